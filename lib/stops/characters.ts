/** What a regular expression says about single characters and the places between them. */
import type { Assertion, CharTest } from "./program.js";

/** The test of one character, by its code. */
export function isCharacter(wanted: number, flags: string): CharTest {
  if (!flags.includes("i")) return (code) => code === wanted;
  const hex = wanted.toString(16);
  return isAtom(/[uv]/.test(flags) ? `\\u{${hex}}` : `\\u${hex.padStart(4, "0")}`, flags);
}

/**
 * The test of one atom, such as `.`, `\d` or `[^x-z]`. The engine that runs JavaScript decides, so that case, classes and
 * properties mean what they mean everywhere else; it is asked once per character.
 */
export function isAtom(atom: string, flags: string): CharTest {
  const regex = new RegExp(`^(?:${atom})$`, flags.replace(/[^isuv]/g, ""));
  const known = new Map<number, boolean>();
  return (code) => {
    let is = known.get(code);
    if (is === undefined) {
      is = regex.test(String.fromCodePoint(code));
      known.set(code, is);
    }
    return is;
  };
}

const isLineTerminator = (code: number) => code === 0x0a || code === 0x0d || code === 0x2028 || code === 0x2029;

/** `^` */
export const textStart: Assertion = { looksAhead: false, holds: (previous) => previous === undefined };

/** `^` with the flag `m` */
export const lineStart: Assertion = {
  looksAhead: false,
  holds: (previous) => previous === undefined || isLineTerminator(previous),
};

/** `$` */
export const textEnd: Assertion = { looksAhead: true, holds: (_, next) => next === undefined };

/** `$` with the flag `m` */
export const lineEnd: Assertion = {
  looksAhead: true,
  holds: (_, next) => next === undefined || isLineTerminator(next),
};

/** `\b`, or `\B` */
export function wordBoundary(flags: string, negate: boolean): Assertion {
  const isWord = isAtom("\\w", flags);
  const inWord = (code: number | undefined) => code !== undefined && isWord(code);
  return { looksAhead: true, holds: (previous, next) => (inWord(previous) !== inWord(next)) !== negate };
}
