/**
 * Whether a prompt holds the calls of its messages: the names of tools and of arguments, and the arguments that are no
 * texts. A template may write the first call of a message and drop the others, or leave out an argument that is null.
 *
 * The conversation is rendered once more with a stand-in for each of them, which can be looked for.
 */
import { randomInt } from "node:crypto";
import { jsonText } from "./jinja/json.js";
import { Dict, type Value } from "./jinja/values.js";
import type { Render } from "./kept-texts.js";
import type { TemplateTurn, TextPlace, TurnCall } from "./template-turn.js";

/** A stand-in, and what it stands for. */
interface StandIn {
  /** What can be looked for: a number that stands nowhere else. */
  text: string;
  place: TextPlace;
}

/** The place of the first name or argument that is lost; undefined: there is none. */
export function firstLostOfCalls(
  turns: readonly TemplateTurn[],
  prompt: string,
  render: Render,
): TextPlace | undefined {
  if (turns.every(({ calls }) => calls === undefined)) return undefined;
  const unnamed = firstUnnamed(turns, prompt);
  if (unnamed !== undefined) return unnamed;
  const missing = (kinds: Kinds): TextPlace | undefined => {
    const { changed, standIns } = withStandIns(turns, prompt, kinds);
    if (standIns.length === 0) return undefined;
    let rendered: string;
    try {
      rendered = render(changed);
    } catch {
      // It wants to know the names, or the kinds, themselves.
      const unsaid = (name: string) => !prompt.includes(name);
      const at = turns.findIndex(({ calls = [] }) => calls.some(({ name }) => unsaid(name)));
      return at < 0 ? undefined : { turn: at, part: "name", call: turns[at]!.calls!.findIndex((c) => unsaid(c.name)) };
    }
    return standIns.find(({ text }) => !rendered.includes(text))?.place;
  };
  // Where one is missing, the names may have changed how the arguments are written.
  if (missing({ names: true, arguments: true }) === undefined) return undefined;
  return missing({ names: true, arguments: false }) ?? missing({ names: false, arguments: true });
}

/** The place of the first argument whose name stands nowhere. */
function firstUnnamed(turns: readonly TemplateTurn[], prompt: string): TextPlace | undefined {
  // Escaped or not.
  const isThere = (key: string) => (key.match(/[A-Za-z0-9]+/g) ?? []).every((word) => prompt.includes(word));
  const isNamed = (value: Value): boolean => {
    if (Array.isArray(value)) return value.every(isNamed);
    if (!(value instanceof Dict)) return true;
    return [...value.entries()].every(([key, item]) => item === null || (isThere(key as string) && isNamed(item)));
  };
  for (const [turn, { calls = [] }] of turns.entries()) {
    const call = calls.findIndex((each) => !isNamed(each.arguments));
    if (call >= 0) return { turn, part: "key", call };
  }
  return undefined;
}

interface Kinds {
  names: boolean;
  arguments: boolean;
}

function withStandIns(turns: readonly TemplateTurn[], prompt: string, kinds: Kinds) {
  const standIns: StandIn[] = [];
  let n = BigInt(randomInt(2 ** 46, 2 ** 47));
  let names = new Map<string, string>();
  const changed = turns.map((turn, i) => {
    if (turn.toolCallId !== undefined) return { ...turn, name: names.get(turn.toolCallId) ?? turn.name };
    const calls = turn.calls?.map((call, c): TurnCall => {
      const place = (part: TextPlace["part"]): TextPlace => ({ turn: i, part, call: c });
      const stand = (part: TextPlace["part"]) => {
        const text = String(n++);
        standIns.push({ text, place: place(part) });
        return text;
      };
      const isWhole = !(call.arguments instanceof Dict) || prompt.includes(jsonText(call.arguments));
      return {
        id: call.id,
        name: kinds.names ? `${call.name}_${stand("name")}` : call.name,
        arguments: kinds.arguments && !isWhole ? replaced(call.arguments, stand) : call.arguments,
      };
    });
    if (calls !== undefined) names = new Map(calls.map(({ id, name }) => [id, name]));
    return { ...turn, calls };
  });
  return { changed, standIns };
}

/**
 * The value with stand-ins for keys, numbers and true. What is false is told by its key; what is null says nothing, and may
 * be gone.
 */
function replaced(value: Value, stand: (part: "key" | "argument") => string): Value {
  if (typeof value === "bigint" || value === true) return BigInt(stand("argument"));
  // Python writes it as JavaScript does.
  if (typeof value === "number") return Number(`${stand("argument")}.5`);
  if (Array.isArray(value)) return value.map((item) => replaced(item, stand));
  if (!(value instanceof Dict)) return value;
  return Dict.from(
    [...value.entries()].map(([key, item]) => {
      const name = item === null ? (key as string) : `${key as string}_${stand("key")}`;
      return [name, replaced(item, stand)] as const;
    }),
  );
}
