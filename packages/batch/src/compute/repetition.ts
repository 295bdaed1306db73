/** Whether a text runs in a circle up to its end. */

/** A part that is repeated up to the end of a text. Counts are of tokens as {@link tokensOf} cuts them. */
export interface Repetition {
  /** Tokens of the part. */
  period: number;
  /** How often it stands there; a last time that is cut counts by its share. */
  repeats: number;
  /** Whether it is a record: a line, a cell, an element or an object of a table or list, of which equal ones are no loop. */
  isRecord: boolean;
  /** The share of the text that is such repeats, from 0 to 1. */
  share: number;
}

/** Fewer repeats, or tokens in all of them, say nothing: "very, very, very". */
const REPEATS = 8;
const TOKENS = 64;
/** Longer parts than this are no circle that a model walks in, and searching ends. */
const LONGEST = 512;
/** A table that was cut may have equal rows; where more than this share of it is the same, it is a loop. */
const RECORDS_SHARE = 0.5;

/** Words, letters of scripts without spaces, digits, signs; line breaks and tabs, but no spaces. */
const TOKEN =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]|[\p{L}\p{M}]{1,16}|\p{N}|[\n\t]|[^\s]/gu;
/** What stands between records: of lines, cells, and JSON. */
const BETWEEN_RECORDS = new Set(["\n", "\t", "|", ";", '"', "{", "}", "[", "]", "\\", "<", ">"]);
/** What closes JSON that was cut, and ends a last sentence: it stands behind the circle, and is not of it. */
const CLOSING = new Set(['"', "'", "}", "]", ")", "\n", ".", "…", "`"]);

export function tokensOf(text: string): string[] {
  return text.match(TOKEN) ?? [];
}

/**
 * The shortest part that a text repeats up to its end; undefined: there is none that is repeated often enough. A table's equal lines
 * are one too: `isRecord` says so.
 *
 * The end of a text of n tokens has the period p over a length of p + Z[p], where Z is the Z-function of the text read backwards:
 * the length of what the text from p on has in common with its beginning. All of Z takes linear time (Gusfield, Algorithms on
 * Strings, Trees and Sequences, 1.3).
 */
export function findRepetition(text: string): Repetition | undefined {
  const tokens = tokensOf(text);
  const whole = tokens.length;
  const closed = withoutClosing(tokens);
  // The circle may itself end with a sign that closes, and its last word may be cut.
  for (const end of [tokens, closed, closed.slice(0, -1)]) {
    const found = inTokens(end, whole);
    if (found !== undefined) return found;
  }
  return undefined;
}

function withoutClosing(tokens: readonly string[]): string[] {
  let end = tokens.length;
  while (end > 0 && CLOSING.has(tokens[end - 1]!)) end -= 1;
  return tokens.slice(0, end);
}

function inTokens(tokens: readonly string[], whole: number): Repetition | undefined {
  const backwards = [...tokens].reverse();
  const z = zFunction(backwards);
  for (let period = 1; period <= LONGEST && period < backwards.length; period++) {
    const length = period + z[period]!;
    if (length < TOKENS || length / period < REPEATS) continue;
    const isRecord = backwards.slice(0, period).some((token) => BETWEEN_RECORDS.has(token));
    return { period, repeats: length / period, isRecord, share: length / whole };
  }
  return undefined;
}

/** Of each place, how many tokens from there on are those that the list begins with. */
function zFunction(tokens: readonly string[]): number[] {
  const z = new Array<number>(tokens.length).fill(0);
  for (let i = 1, left = 0, right = 0; i < tokens.length; i++) {
    let length = i < right ? Math.min(right - i, z[i - left]!) : 0;
    while (i + length < tokens.length && tokens[length] === tokens[i + length]) length += 1;
    if (i + length > right) [left, right] = [i, i + length];
    z[i] = length;
  }
  return z;
}

/** A letter of any script. */
const LETTER = /\p{L}/u;

/**
 * Whether an answer is caught in a loop.
 *
 * - One that a limit has cut: where it repeats a part up to its end; of records, where they are over half of it.
 * - One that the model ended itself: where it repeats words within one record. Equal lines, cells, elements of JSON and rows of
 *   numbers are tables then.
 *
 * @param isCut whether a limit has ended it
 */
export function isLoop(text: string, isCut: boolean): boolean {
  const found = findRepetition(text);
  if (found === undefined) return false;
  if (isCut) return !found.isRecord || found.share > RECORDS_SHARE;
  return !found.isRecord && LETTER.test(lastTokens(text, found.period));
}

function lastTokens(text: string, count: number): string {
  return withoutClosing(tokensOf(text)).slice(-count).join("");
}
