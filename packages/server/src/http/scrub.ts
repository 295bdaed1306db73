import { Problem } from "./problem.js";

/** Shorter ones are parts of words, and say nothing of anybody. */
const SHORTEST = 3;
/** Of a long text messages quote the beginning. */
const BEGINNING = 30;
const GONE = "(…)";

/**
 * The problem without anything that its request said: names of tools and of fields that do not exist may be quoted by whoever
 * refuses them, and any of them may be a patient's.
 *
 * @param sent the request's body, as far as it was read
 * @param known words of the API itself, which may be quoted
 */
export function withoutTexts(problem: Problem, sent: unknown, known: ReadonlySet<string>): Problem {
  let { param } = problem;
  let message = withoutParts(problem.message);
  const texts = [...new Set(textsOf(sent))].filter((text) => text.length >= SHORTEST && !known.has(text));
  // Long ones first: a short one may be a part of one.
  for (const text of texts.sort((a, b) => b.length - a.length)) {
    const remove = text.length > BEGINNING ? withoutLong : withoutShort;
    for (const each of written(text.slice(0, BEGINNING))) {
      message = remove(message, each);
      if (param !== null) param = remove(param, each);
    }
  }
  if (message === problem.message && param === problem.param) return problem;
  const { status, code, headers, figures } = problem;
  return new Problem(status, code, message, { param: param ?? undefined, headers, figures });
}

/**
 * The library tells of a grammar or a template of the request in their own words: a name in it, or what the template refuses
 * with. Such a part is no whole text of the body, and is found by the words around it.
 */
function withoutParts(message: string): string {
  return message
    .replace(/^(grammar: rule )[^]*( (?:is used and not defined|begins with itself))/, `$1${GONE}$2`)
    .replace(/^(grammar: invalid token )'[^]*'/, `$1${GONE}`)
    .replace(/^(chatTemplate: is no valid Jinja): [^]*?( \(line \d+\))?$/, "$1$2")
    .replace(/^(chatTemplate: (?:refuses these messages|cannot be rendered)): [^]*$/, "$1");
}

const withoutShort = (message: string, text: string) => message.replaceAll(text, GONE);

/** With what follows it up to the end of a quotation or a word: of a long text a message may quote more than its beginning. */
function withoutLong(message: string, beginning: string): string {
  let result = message;
  for (let at = result.indexOf(beginning); at >= 0; at = result.indexOf(beginning, at + GONE.length)) {
    const behind = result.slice(at + beginning.length);
    const quoted = result.slice(0, at).split('"').length % 2 === 0;
    const rest = quoted ? behind.search(/"/) : behind.search(/[\s"'.;,[\]]|$/);
    result = `${result.slice(0, at)}${GONE}${rest < 0 ? "" : behind.slice(rest)}`;
  }
  return result;
}

/** As it is, in JSON, in a JSON pointer, in a URI (which half a pair of surrogates could not be in). */
function written(text: string): Set<string> {
  const pointer = text.replaceAll("~", "~0").replaceAll("/", "~1");
  return new Set([text, JSON.stringify(text).slice(1, -1), pointer, encodeURI(Buffer.from(text).toString())]);
}

/** All strings of a JSON value, names of fields included. No recursion: a body may be nested deeper than the stack is. */
export function* textsOf(value: unknown): Generator<string> {
  const left: unknown[] = [value];
  while (left.length > 0) {
    const each = left.pop();
    if (typeof each === "string") yield each;
    else if (Array.isArray(each)) for (const item of each) left.push(item);
    else if (typeof each === "object" && each !== null) {
      yield* Object.keys(each);
      for (const inner of Object.values(each)) left.push(inner);
    }
  }
}
