import { MedInferError } from "medinfer";
import { Problem } from "../../http/problem.js";

const MOST_FRAMES = 12;
const MOST_CAUSES = 4;

/** What went wrong, for a log. */
export interface Described {
  name: string;
  code?: string;
  /** Of errors whose messages quote nothing of a request: the library's and ours. */
  message?: string;
  /** Function and file of each frame, innermost first. */
  place?: string[];
  cause?: Described;
}

/** An error by its kind and its place. Messages of others are left out: a parser's quotes what it parsed. */
export function describe(error: unknown, depth = 0): Described {
  if (!(error instanceof Error)) return { name: `a thrown ${typeof error}` };
  const { code } = error as { code?: unknown };
  const ours = error instanceof MedInferError || error instanceof Problem;
  return {
    name: /^\w{1,60}$/.test(error.name) ? error.name : "Error",
    ...(typeof code === "string" && /^[\w-]{1,60}$/.test(code) ? { code } : {}),
    ...(ours ? { message: error.message } : {}),
    place: framesOf(error),
    ...(error.cause === undefined || depth === MOST_CAUSES ? {} : { cause: describe(error.cause, depth + 1) }),
  };
}

/** A message may have lines that look like frames: it is cut off first, as a whole. */
function framesOf({ stack = "", message }: Error): string[] {
  const from = message === "" ? 0 : stack.indexOf(`: ${message}`);
  // Changed since it was thrown: nothing says where it ends.
  if (from < 0) return [];
  const frames = stack.slice(message === "" ? 0 : from + message.length + 2).matchAll(/^ {4}at (.*)$/gm);
  return [...frames].slice(0, MOST_FRAMES).map(([, frame]) => frame!);
}
