/** What chat templates in Jinja expect to find beside the messages. */

/** A template's own words against the messages, said with raise_exception(). */
export class TemplateRefusal extends Error {}

/**
 * The globals of every template: those of transformers (`apply_chat_template`). What a template asks for beside them, such
 * as `enable_thinking` or `date_string`, is undefined there, and then it has a default of its own that the model was
 * trained with: so it is here, unless a request gives the name a value.
 */
export function jinjaGlobals(now: Date): Record<string, unknown> {
  return {
    true: true,
    True: true,
    false: false,
    False: false,
    none: null,
    None: null,
    range,
    raise_exception: (message: unknown) => {
      throw new TemplateRefusal(String(message));
    },
    strftime_now: (format: unknown) => strftime(now, String(format)),
    [formatName]: format,
  };
}

/**
 * What a few templates take for granted: they were made to be given tools, and a date, by the program around them, and
 * fail without. Only they get it: others ask whether such a name is defined.
 */
export function takenForGranted(now: Date): Record<string, unknown> {
  return { tools: [], functions: "[]", datetime: strftime(now, "%b %d %Y") };
}

/**
 * Names that no request may give another value: what every template is told, what would be lost where only lists and
 * functions are of use, and names with a meaning in the language.
 */
export const reservedNames: ReadonlySet<string> = new Set([
  ...["messages", "add_generation_prompt", "bos_token", "eos_token", "pad_token", "tools", "functions", "documents"],
  ...["true", "True", "false", "False", "none", "None", "and", "or", "not", "in", "is", "if", "else"],
  ...["range", "raise_exception", "strftime_now", "namespace", "loop"],
]);

/** Stands in for the method str.format(), which @huggingface/jinja does not know. No template can spell it. */
export const formatName = "str.format";

/** Python's str.format() with plain `{}`. */
function format(text: unknown, ...values: unknown[]): string {
  let next = 0;
  return String(text).replaceAll("{}", () => String(values[next++]));
}

function range(start: number, stop?: number, step = 1): number[] {
  const [from, to] = stop === undefined ? [0, start] : [start, stop];
  const length = step === 0 ? 0 : Math.max(0, Math.ceil((to - from) / step));
  return Array.from({ length }, (_, i) => from + i * step);
}

const months = "January February March April May June July August September October November December".split(" ");
const days = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday".split(" ");

/** Python's strftime() in English, whatever the host's language: models were trained with it. */
export function strftime(date: Date, format: string): string {
  const two = (n: number) => String(n).padStart(2, "0");
  const hour12 = date.getHours() % 12 || 12;
  const values: Record<string, () => string> = {
    Y: () => String(date.getFullYear()),
    y: () => two(date.getFullYear() % 100),
    m: () => two(date.getMonth() + 1),
    d: () => two(date.getDate()),
    e: () => String(date.getDate()).padStart(2),
    B: () => months[date.getMonth()]!,
    b: () => months[date.getMonth()]!.slice(0, 3),
    A: () => days[date.getDay()]!,
    a: () => days[date.getDay()]!.slice(0, 3),
    H: () => two(date.getHours()),
    I: () => two(hour12),
    M: () => two(date.getMinutes()),
    S: () => two(date.getSeconds()),
    p: () => (date.getHours() < 12 ? "AM" : "PM"),
    "%": () => "%",
  };
  return format.replace(/%(-?)([A-Za-z%])/g, (code, dash: string, letter: string) => {
    const value = values[letter]?.();
    if (value === undefined) return code;
    return dash === "" ? value : value.replace(/^[0 ](?=.)/, "");
  });
}
