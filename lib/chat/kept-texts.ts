/**
 * Whether a prompt holds the texts of its messages. Templates leave out without a word what they do not expect: a role, a
 * second system message, a part. An allergy in such a message must not vanish.
 *
 * The conversation is rendered once more with random marks at both ends of each text. Where that differs from the prompt
 * in nothing but the marks, what stands between them in it is what became of the text. Where the marks change what the
 * template does, a mark in the middle of each text may not; where it does, too, the text itself is looked for.
 */
import { randomBytes } from "node:crypto";
import { splitAtMarks } from "./split-at-marks.js";
import { holdsText, type TextRules } from "./text-match.js";
import type { Literals } from "./jinja/literals.js";
import { mapTexts, type TemplateTurn, type TextPlace } from "./template-turn.js";

const markTail = /^x(\d+)x(\d+)x/;

/** A conversation as a template writes it. It may throw. */
export type Render = (turns: readonly TemplateTurn[]) => string;

/** Where marks stand in a text: before each of these places. */
type Places = readonly number[];

/** A text that has to be in the prompt. */
interface Said {
  place: TextPlace;
  text: string;
  /** Which of all texts, in the order of mapTexts(). */
  n: number;
}

/**
 * The place of the first text of which the prompt lacks a part; undefined: it has all. Looked at are contents and the texts
 * in the arguments of calls; of names, numbers and the like see kept-calls.ts.
 *
 * White space may differ, and the reasoning before an answer may be gone.
 *
 * @param prompt what `render` made of the turns
 * @param literals what the template itself spells: a text may lose what is a command to the template
 * @param keepsReasoning whether the last turn's reasoning has to be there
 */
export function firstLost(
  turns: readonly TemplateTurn[],
  prompt: string,
  render: Render,
  literals: Literals,
  keepsReasoning = false,
): TextPlace | undefined {
  const said: Said[] = [];
  let n = 0;
  const isLookedAt = ({ part, turn }: TextPlace) =>
    part === "content" || part === "argument" || (part === "reasoning" && keepsReasoning && turn === turns.length - 1);
  mapTexts(turns, (text, place) => {
    if (isLookedAt(place) && text.trim() !== "") said.push({ place, text, n });
    n++;
    return text;
  });
  if (said.length === 0) return undefined;
  const rules = ({ turn, part }: TextPlace): TextRules => ({
    literals,
    mayLoseReasoning: part === "content" && turns[turn]!.role === "assistant",
  });
  const looked = new Set(said.map((one) => one.n));
  for (const places of [edges, (text: string) => middle(text, literals.all)]) {
    const marks = probe(turns, prompt, render, looked, places);
    if (marks === undefined) continue;
    const lost = said.find(({ place, text: whole, n: which }) => {
      const text = whole.trim();
      const own = places(whole).map((at) => at - leading(whole));
      return !marks.get(which)?.some((mark) => standsAround(mark, text, own[mark.place]!, rules(place)));
    });
    return lost?.place;
  }
  return said.find(({ place, text }) => !holdsText.anywhere(prompt, text.trim(), rules(place)))?.place;
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
  /** Which of the text's places, counted from 0. */
  place: number;
  before: string;
  after: string;
}

/** The marks that are in the rendered conversation, by text; undefined: they change it. */
function probe(
  turns: readonly TemplateTurn[],
  prompt: string,
  render: Render,
  looked: ReadonlySet<number>,
  places: (text: string) => Places,
): ReadonlyMap<number, Mark[]> | undefined {
  const nonce = `mark${randomBytes(12).toString("hex")}`;
  let which = 0;
  const marked = mapTexts(turns, (text) => {
    const n = which++;
    if (!looked.has(n)) return text;
    let made = "";
    let from = 0;
    places(text).forEach((place, i) => {
      made += `${text.slice(from, place)}${nonce}x${n}x${i}x`;
      from = place;
    });
    return made + text.slice(from);
  });
  let rendered: string;
  try {
    rendered = render(marked);
  } catch {
    return undefined;
  }
  const parts = splitAtMarks(rendered, nonce, markTail);
  const texts = parts.filter((_, i) => i % 3 === 0);
  if (texts.join("") !== prompt) return undefined;
  const marks = new Map<number, Mark[]>();
  for (let i = 1; i < parts.length; i += 3) {
    const [text, place] = [Number(parts[i]), Number(parts[i + 1])];
    const known = marks.get(text) ?? [];
    known.push({ place, before: parts[i - 1]!, after: parts[i + 2]! });
    marks.set(text, known);
  }
  return marks;
}

/** Whether a text stands around a mark that was put into it at `at`. */
function standsAround({ before, after }: Mark, text: string, at: number, rules: TextRules): boolean {
  return holdsText.before(before, text.slice(0, at), rules) && holdsText.after(after, text.slice(at), rules);
}
