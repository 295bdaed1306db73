import { Problem } from "./problem.js";

/** Shorter ones are parts of words, and say nothing of anybody. */
const SHORTEST = 3;
/** Of a long text messages quote the beginning. */
const BEGINNING = 30;

/**
 * The problem without anything that its request said: names of tools and of fields that do not exist may be quoted by whoever
 * refuses them, and any of them may be a patient's.
 *
 * @param sent the request's body, as far as it was read
 * @param known words of the API itself, which may be quoted
 */
export function withoutTexts(problem: Problem, sent: unknown, known: ReadonlySet<string>): Problem {
  let { message, param } = problem;
  for (const text of textsOf(sent)) {
    if (text.length < SHORTEST || known.has(text)) continue;
    const beginning = text.slice(0, BEGINNING);
    message = withoutText(message, beginning);
    if (param !== null) param = withoutText(param, beginning);
  }
  if (message === problem.message && param === problem.param) return problem;
  const { status, code, headers, figures } = problem;
  return new Problem(status, code, message, { param: param ?? undefined, headers, figures });
}

/** With what follows it up to the end of a quotation or a word. */
function withoutText(message: string, text: string): string {
  let result = message;
  for (let at = result.indexOf(text); at >= 0; at = result.indexOf(text, at + 3)) {
    const behind = result.slice(at + text.length);
    const quoted = result.slice(0, at).split('"').length % 2 === 0;
    const rest = quoted ? behind.search(/"/) : behind.search(/[\s"'.;,[\]]|$/);
    result = `${result.slice(0, at)}(…)${rest < 0 ? "" : behind.slice(rest)}`;
  }
  return result;
}

/** All strings of a JSON value, names of fields included. */
export function* textsOf(value: unknown): Generator<string> {
  if (typeof value === "string") yield value;
  else if (Array.isArray(value)) for (const each of value) yield* textsOf(each);
  else if (typeof value === "object" && value !== null) {
    for (const [name, each] of Object.entries(value)) {
      yield name;
      yield* textsOf(each);
    }
  }
}
