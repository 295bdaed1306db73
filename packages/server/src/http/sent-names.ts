import { Problem } from "./problem.js";

/**
 * Where a body says what the library has another name for: by the library's place the places that the body may have it at,
 * of which the first that is there counts. `[]` is any index. A place that ends with `…` stands for all that is inside it; one
 * that ends with `!` is a word, which is told instead of the library's wherever that stands.
 */
export type SentNames = Readonly<Record<string, readonly string[]>>;

/**
 * The problem, told in the names that its request used: who sent `response_format` has never heard of `jsonSchema`. A name
 * of the library's that the request itself used stays.
 *
 * @param sent the request's body, as far as it was read
 */
export function asSent(problem: Problem, sent: unknown, names: SentNames | undefined): Problem {
  if (names === undefined || typeof sent !== "object" || sent === null) return problem;
  let { message } = problem;
  let param = problem.param ?? undefined;
  // What is told at length is looked for first: a short place may be the beginning of one.
  for (const [place, sentPlaces] of Object.entries(names).sort(([a], [b]) => b.length - a.length)) {
    const pattern = patternOf(place);
    const rename = (text: string) =>
      text.replace(pattern, (found: string, ...groups: unknown[]) => {
        const { rest } = groups.at(-1) as { rest: string };
        const isMoved = sentPlaces.every((each) => each.endsWith("…"));
        if (!isMoved && has(sent, found.slice(0, found.length - rest.length))) return found;
        const indexes = groups.slice(0, place.split("[]").length - 1) as string[];
        const filled = sentPlaces.map((each) => fill(each, indexes));
        const target = filled.find((each) => each.endsWith("!") || has(sent, each.replace(/…$/, "")));
        if (target === undefined) return found;
        return /[…!]$/.test(target) ? target.slice(0, -1) : `${target}${rest}`;
      });
    message = rename(message);
    if (param !== undefined) param = rename(param);
  }
  // Of the engine's own checks the message alone tells the place.
  const [, first] = /^(?:engine\.\w+: )?([a-z_]+(?:\[\d+\])?):? /.exec(message) ?? [];
  if (first !== undefined && has(sent, first)) param ??= first;
  if (message === problem.message && param === (problem.param ?? undefined)) return problem;
  const { status, code, headers, figures } = problem;
  return new Problem(status, code, message, { param, headers, figures });
}

/** Finds a place and what of a path is behind it, its group `rest`. The groups before are the indexes. */
function patternOf(place: string): RegExp {
  const parts = place.split("[]").map((each) => each.replaceAll(".", "\\."));
  const indexed = parts.join("\\[(\\d+)\\]");
  return new RegExp(`(?<![\\w.\\]"])${indexed}(?!\\w)(?<rest>(?:\\.[\\w-]+|\\[\\d+\\])*)`, "g");
}

function fill(place: string, indexes: readonly string[]): string {
  let next = 0;
  return place.replace(/\[\]/g, () => `[${indexes[next++] ?? 0}]`);
}

function has(body: unknown, place: string): boolean {
  let at = body;
  for (const [key] of place.matchAll(/[^.[\]]+/g)) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, key)) return false;
    at = (at as Record<string, unknown>)[key];
  }
  return at !== undefined;
}
