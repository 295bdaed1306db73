/**
 * Text that came from outside, as messages show it. No message holds more than 200 characters of it, so that a prompt or an
 * image that was passed by mistake is in no log: a message has two of these excerpts at most.
 */

/** Most characters of a name, a path or a reason in a message. */
const MOST_SHOWN = 90;

/** The beginning of a text, with blanks in place of control characters and "…" in place of the rest. */
export function excerpt(text: string, most = MOST_SHOWN): string {
  return text.length <= most ? onOneLine(text) : `${onOneLine(text.slice(0, most))}…`;
}

/** The end of a path, where the file's name stands. */
export function excerptPath(path: string, most = MOST_SHOWN): string {
  return path.length <= most ? onOneLine(path) : `…${onOneLine(path.slice(-most))}`;
}

function onOneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/gu, " ");
}

/** Most characters of what somebody else's error says. */
const MOST_SAID = 200;

/**
 * An error of somebody else's as the `cause` of ours: itself, or, where it could quote more than a message may, a copy that
 * does not. Node.js and libraries put whole paths, URLs and inputs into theirs.
 */
export function boundedCause(cause: unknown): unknown {
  if (typeof cause === "string") return excerpt(cause, MOST_SAID);
  try {
    if (isShort(cause)) return cause;
    if (isError(cause)) return copyOf(cause);
  } catch {
    // A getter of it threw.
  }
  return `a thrown ${typeof cause}`;
}

function copyOf(error: Error): Error {
  const copy = new Error(excerpt(String(error.message), MOST_SAID));
  Object.defineProperty(copy, "name", { value: excerpt(String(error.name)) });
  copy.stack = [`${copy.name}: ${copy.message}`, ...framesOf(error)].join("\n");
  const { code } = error as { code?: unknown };
  return typeof code === "string" ? Object.assign(copy, { code: excerpt(code) }) : copy;
}

const isError = (value: unknown): value is Error => Object.prototype.toString.call(value) === "[object Error]";

/** Whether an error says no more than a message may, its own properties and its causes included. */
function isShort(value: unknown, depth = 0): boolean {
  if (typeof value === "string") return value.length <= MOST_SAID;
  if (typeof value !== "object" || value === null) return typeof value !== "function";
  if (depth > 3) return false;
  return Reflect.ownKeys(value).every((key) => {
    const own = (value as Record<PropertyKey, unknown>)[key];
    // The stack begins with the message, and goes on with files of programs.
    return key === "stack" || isShort(own, depth + 1);
  });
}

function framesOf({ stack }: Error): string[] {
  return typeof stack === "string" ? stack.split("\n").filter((line) => /^ {4}at /.test(line)) : [];
}
