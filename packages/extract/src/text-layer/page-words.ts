/** The words of a page, and where a text stands among them. */
import { inOneColumn, linesOf, onOneLine, union } from "./geometry.js";
import { normalise, normaliseText, type Normalised } from "./normalise.js";
import type { Box, EvidencePage, Word } from "./types.js";

/** A place where a text stands on a page. */
export interface Occurrence {
  readonly page: number;
  /** The words as the page has them. */
  readonly text: string;
  /** Around all of its words. */
  readonly box: Box;
  /** One for each line. */
  readonly lines: readonly Box[];
}

const letterOrDigit = /[\p{L}\p{N}]/u;
const digit = /\p{Nd}/u;
const comparison = /[<>≤≥±]/u;
const outerPunctuation = /^[^\p{L}\p{N}]+|[^\p{L}\p{N}%]+$/gu;

/** Most words between two on one line that belong together. */
const WORDS_BETWEEN = 2;
/** How far below, in heights of a line, a column's next line may be. */
const LINES_BELOW = 2;

export class PageWords {
  readonly number: number;
  readonly #words: readonly Word[];
  readonly #stream: Normalised;
  /** Each word for itself, without punctuation around it. */
  readonly #each: readonly string[];
  readonly #found = new Map<string, readonly Occurrence[]>();

  constructor({ number, text }: EvidencePage) {
    this.number = number;
    this.#words = (text?.words ?? []).filter((word) => word.text.trim() !== "");
    const texts = this.#words.map((word) => word.text);
    this.#stream = normalise(texts);
    this.#each = texts.map((each) => bare(each));
  }

  /**
   * Where the text stands as a whole: word behind word, however they are spaced and broken into lines. Where it stands nowhere
   * so, where all of its words stand in their order, in a column's lines or with few words between them.
   */
  find(text: string): readonly Occurrence[] {
    // Tables say the same again and again.
    const known = this.#found.get(text);
    if (known !== undefined) return known;
    const wanted = normaliseText(text);
    const whole = letterOrDigit.test(wanted) ? this.#wholes(wanted) : [];
    const found = whole.length > 0 ? whole : this.#broken(text);
    this.#found.set(text, found);
    return found;
  }

  /** Places of a label: its words, whatever stands around them. */
  findLabel(label: string): Box[] {
    const wanted = label
      .split(/\s+/u)
      .map((word) => singular(bare(word)))
      .filter((word) => word !== "");
    if (wanted.length === 0) return [];
    const found: Box[] = [];
    for (let at = 0; at + wanted.length <= this.#each.length; at++) {
      if (!wanted.every((word, i) => singular(this.#each[at + i]!) === word)) continue;
      found.push(union(this.#words.slice(at, at + wanted.length).map(({ box }) => box)));
    }
    return found;
  }

  #wholes(wanted: string): Occurrence[] {
    const { text, from } = this.#stream;
    const found: Occurrence[] = [];
    for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + 1)) {
      const behind = at + wanted.length;
      if (!this.#beginsAt(at) || !this.#endsAt(behind)) continue;
      found.push(this.#occurrence(range(from[at]!, from[behind - 1]! + 1), wanted));
    }
    return found;
  }

  /** Whether a text may begin here: with a word, behind punctuation, or as the unit behind a number. */
  #beginsAt(at: number): boolean {
    const { text, from } = this.#stream;
    if (at === 0) return true;
    const [before, first] = [text[at - 1]!, text[at]!];
    if (comparison.test(before)) return false; // "< 5" is not 5
    if (from[at - 1] !== from[at]) return true;
    if (letterOrDigit.test(before)) return digit.test(before) && !digit.test(first);
    if (!digit.test(first)) return true;
    // Within a date, a time, a decimal or a fraction, or behind a sign: another number.
    return before !== "-" && !(from[at - 2] === from[at] && digit.test(text[at - 2]!));
  }

  /** Whether a text may end before this unit: with a word, before punctuation, or as a number before its unit. */
  #endsAt(at: number): boolean {
    const { text, from } = this.#stream;
    if (at === text.length || from[at - 1] !== from[at]) return true;
    const [last, after] = [text[at - 1]!, text[at]!];
    if (letterOrDigit.test(after)) return digit.test(last) && !digit.test(after);
    return !(digit.test(last) && from[at + 1] === from[at] && digit.test(text[at + 1]!));
  }

  /** All words of the text in their order, in runs that a layout may have torn apart; the longest runs first. */
  #broken(text: string): Occurrence[] {
    const wanted = text
      .split(/\s+/u)
      .map(bare)
      .filter((word) => word !== "");
    if (wanted.length < 2) return [];
    const found: number[][] = [];
    for (let at = 0; at < this.#each.length; at++) {
      const words = this.#runsFrom(at, wanted);
      if (words !== undefined) found.push(words);
    }
    return found.map((words) => this.#occurrence(words, normaliseText(text)));
  }

  #runsFrom(start: number, wanted: readonly string[]): number[] | undefined {
    const words: number[] = [];
    let at: number | undefined = start;
    while (at !== undefined) {
      const before: number = words.length;
      while (words.length < wanted.length && this.#each[at] === wanted[words.length]) words.push(at++);
      if (words.length === wanted.length) return words;
      if (words.length === before) return undefined;
      at = this.#goesOn(words, wanted[words.length]!);
    }
    return undefined;
  }

  /** The next run's first word: near on the line with no number between, or in the column's next line. */
  #goesOn(words: readonly number[], wanted: string): number | undefined {
    const last = words.at(-1)!;
    for (let at = last + 1; at <= last + 1 + WORDS_BETWEEN && at < this.#words.length; at++) {
      if (this.#each[at] === wanted && onOneLine(this.#words[last]!.box, this.#words[at]!.box)) return at;
      if (digit.test(this.#each[at]!)) break;
    }
    const line = linesOf(words.map((word) => this.#words[word]!.box)).at(-1)!;
    for (let at = last + 1; at < this.#words.length; at++) {
      const { box } = this.#words[at]!;
      const below = box.y - line.y;
      if (this.#each[at] !== wanted || onOneLine(line, box) || !inOneColumn(line, box)) continue;
      if (below > 0 && below <= LINES_BELOW * line.height) return at;
    }
    return undefined;
  }

  #occurrence(words: readonly number[], wanted: string): Occurrence {
    const boxes = words.map((word) => this.#words[word]!.box);
    const text = words.map((word) => this.#words[word]!.text).join(" ");
    return { page: this.number, text: withoutBorder(text, wanted), box: union(boxes), lines: linesOf(boxes) };
  }
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

function bare(word: string): string {
  return normaliseText(word.replace(outerPunctuation, ""));
}

function singular(word: string): string {
  return word.length > 3 ? word.replace(/s$/u, "") : word;
}

/** Takes off the brackets and commas around words that the text itself has not. */
function withoutBorder(text: string, wanted: string): string {
  let kept = text;
  while (/[,;:.)\]}"']$/u.test(kept) && !wanted.endsWith(kept.at(-1)!)) kept = kept.slice(0, -1);
  while (/^[([{"']/u.test(kept) && !wanted.startsWith(kept[0]!)) kept = kept.slice(1);
  return kept;
}
