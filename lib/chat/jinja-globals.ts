/** What chat templates in Jinja are given beside the messages. */
import { strftime } from "./jinja/strftime.js";

/**
 * What a few templates take for granted: they were made to be given tools, and a date, by the program around them, and
 * fail without. Only they get it: others ask whether such a name is defined.
 */
export function takenForGranted(now: Date): Record<string, unknown> {
  return { tools: [], functions: "[]", datetime: strftime(now, "%b %d %Y") };
}

/**
 * Names that no request may give another value: what every template gets, what would be lost where only lists and
 * functions are of use, and names with a meaning in the language.
 */
export const reservedNames: ReadonlySet<string> = new Set([
  ...["messages", "add_generation_prompt", "bos_token", "eos_token", "pad_token", "tools", "functions", "documents"],
  ...["true", "True", "false", "False", "none", "None", "and", "or", "not", "in", "is", "if", "else"],
  ...["range", "dict", "raise_exception", "strftime_now", "namespace", "cycler", "joiner", "lipsum"],
  ...["loop", "caller", "self", "super", "varargs", "kwargs"],
]);
