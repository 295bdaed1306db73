/**
 * Whether a prompt holds what its messages say. Templates leave out without a word what they do not expect: a role, a
 * second system message, a part. An allergy in such a message must not vanish.
 *
 * The conversation is rendered once more with random marks at both ends of each text. Where that differs from the prompt
 * in nothing but the marks, what stands between them in it is what became of the text. Where the marks change what the
 * template does, a mark in the middle of each text may not; where it does, too, the text itself is looked for.
 */
import { randomBytes } from "node:crypto";
import { holdsText, type TextRules } from "./text-match.js";
import type { Literals } from "./jinja/literals.js";
import type { TextMessage } from "./types.js";

/** A conversation as a template writes it. It may throw. */
export type Render = (messages: readonly TextMessage[]) => string;

/** Where marks stand in a text: before each of these places. */
type Places = readonly number[];

/**
 * The index of the first message of whose text the prompt lacks a part; -1: it has all.
 *
 * White space may differ, and the reasoning before an answer may be gone.
 *
 * @param prompt what `render` made of the messages
 * @param literals what the template itself spells: a text may lose what is a command to the template
 */
export function firstLost(
  messages: readonly TextMessage[],
  prompt: string,
  render: Render,
  literals: Literals,
): number {
  const said = messages.flatMap((message, i) => (message.content.trim() === "" ? [] : [{ message, i }]));
  if (said.length === 0) return -1;
  const rules = (role: string): TextRules => ({ literals, mayLoseReasoning: role === "assistant" });
  for (const places of [edges, (text: string) => middle(text, literals.all)]) {
    const marks = probe(messages, prompt, render, places);
    if (marks === undefined) continue;
    const lost = said.find(({ message: { role, content }, i }) => {
      const text = content.trim();
      const own = places(content).map((place) => place - leading(content));
      return !marks.get(i)?.some((mark) => standsAround(mark, text, own[mark.place]!, rules(role)));
    });
    return lost?.i ?? -1;
  }
  const missing = said.find(
    ({ message: { role, content } }) => !holdsText.anywhere(prompt, content.trim(), rules(role)),
  );
  return missing?.i ?? -1;
}

const leading = (text: string) => text.length - text.trimStart().length;

/** Around the text, within white space that a template may trim. */
function edges(text: string): Places {
  return [leading(text), text.trimEnd().length];
}

/** Near the middle, between two characters of the text, where nothing stands that the template itself spells. */
function middle(text: string, literals: readonly string[]): Places {
  const half = Math.floor(text.length / 2);
  const isQuiet = (at: number) =>
    /^\S[\p{L}\p{N}]/u.test(text.slice(at - 1, at + 2)) && !literals.some((literal) => spans(text, literal, at));
  for (let d = 0; d < half; d++) for (const at of [half - d, half + d]) if (isQuiet(at)) return [at];
  return [text.trimEnd().length];
}

/** Whether a piece of a text lies across a place in it. */
function spans(text: string, piece: string, at: number): boolean {
  const found = text.slice(Math.max(0, at - piece.length + 1), at + piece.length - 1).includes(piece);
  return piece.length > 1 && found;
}

/** A mark in the rendered conversation, and what stands between it and its neighbours. */
interface Mark {
  /** Which of the message's places, counted from 0. */
  place: number;
  before: string;
  after: string;
}

/** The marks that are in the rendered conversation, by message; undefined: they change it. */
function probe(
  messages: readonly TextMessage[],
  prompt: string,
  render: Render,
  places: (text: string) => Places,
): ReadonlyMap<number, Mark[]> | undefined {
  const nonce = `mark${randomBytes(12).toString("hex")}`;
  const marked = messages.map(({ role, content }, i) => {
    if (content.trim() === "") return { role, content };
    let text = "";
    let from = 0;
    places(content).forEach((place, n) => {
      text += `${content.slice(from, place)}${nonce}x${i}x${n}x`;
      from = place;
    });
    return { role, content: text + content.slice(from) };
  });
  let rendered: string;
  try {
    rendered = render(marked);
  } catch {
    return undefined;
  }
  const parts = rendered.split(new RegExp(`${nonce}x(\\d+)x(\\d+)x`));
  const texts = parts.filter((_, i) => i % 3 === 0);
  if (texts.join("") !== prompt) return undefined;
  const marks = new Map<number, Mark[]>();
  for (let i = 1; i < parts.length; i += 3) {
    const [message, place] = [Number(parts[i]), Number(parts[i + 1])];
    const known = marks.get(message) ?? [];
    known.push({ place, before: parts[i - 1]!, after: parts[i + 2]! });
    marks.set(message, known);
  }
  return marks;
}

/** Whether a text stands around a mark that was put into it at `at`. */
function standsAround({ before, after }: Mark, text: string, at: number, rules: TextRules): boolean {
  return holdsText.before(before, text.slice(0, at), rules) && holdsText.after(after, text.slice(at), rules);
}
