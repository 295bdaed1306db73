import { Problem } from "./problem.js";

/** Words that look like names of a program's: those of fields and tools may be told. */
const PLAIN = /^[\w.-]{1,40}$/;

/**
 * A problem that says nothing of what its request says. The library's messages name the fields of its options; where those are
 * the sender's own, as those of a schema or of a template's variables are, they may be a patient's.
 *
 * @param body of the request
 */
export function withoutText(problem: Problem, body: unknown): Problem {
  const { status, code, message, param, headers, figures } = problem;
  const told = [...textsOf(body, message.length)].sort((a, b) => b.length - a.length);
  const clean = (said: string) => told.reduce((text, each) => text.replaceAll(each, "(a name)"), said);
  const cleaned = clean(message);
  const place = param === null ? undefined : clean(param);
  if (cleaned === message && place === (param ?? undefined)) return problem;
  return new Problem(status, code, cleaned, { param: place, headers, figures });
}

/** Keys and texts of a value that are no plain words and could stand in so long a message, in all the ways they are written. */
function textsOf(body: unknown, longest: number): Set<string> {
  const found = new Set<string>();
  const see = (text: string) => {
    if (text.length < 2 || text.length > longest || PLAIN.test(text)) return;
    for (const each of written(text)) found.add(each);
  };
  // A list of what is left, and no recursion: a body may be nested deeper than the stack is.
  const left: unknown[] = [body];
  while (left.length > 0) {
    const value = left.pop();
    if (typeof value === "string") see(value);
    else if (Array.isArray(value)) for (const each of value) left.push(each);
    else if (typeof value === "object" && value !== null) {
      for (const [key, inner] of Object.entries(value)) {
        see(key);
        left.push(inner);
      }
    }
  }
  return found;
}

/** As it is, in JSON, in a JSON pointer, in a URI (which half a pair of surrogates could not be in). */
function written(text: string): string[] {
  const pointer = text.replaceAll("~", "~0").replaceAll("/", "~1");
  return [text, JSON.stringify(text).slice(1, -1), pointer, encodeURI(Buffer.from(text).toString())];
}
