/**
 * The texts that a model's vocabulary reads as control tokens, such as `</s>` or `<|im_start|>`. Where a user writes
 * one, it must reach the model as plain characters: otherwise a document could end its own turn and speak as another
 * role.
 */

import { setImmediate } from "node:timers/promises";

/** The part of the native engine that this file needs. */
export interface Detokenizer {
  readonly info: { readonly nVocab: number };
  detokenize(tokens: Int32Array, special: boolean): string;
  tokenize(text: string, addSpecial: boolean, parseSpecial: boolean): Int32Array;
}

/** Control tokens of gpt-oss and its relatives that llama.cpp shows in answers all the same. */
const SHOWN = ["<|start|>", "<|message|>", "<|channel|>", "<|constrain|>", "<|end|>"];

/** Token ids looked at before the event loop gets its turn. */
const CHUNK = 4096;

/** A set of control tokens' texts. */
export class ControlTokens {
  /** For a place without a model: nothing is a control token. */
  static readonly none = new ControlTokens([]);

  readonly #pattern: RegExp | undefined;
  readonly #edges: RegExp | undefined;

  constructor(readonly texts: readonly string[]) {
    const longestFirst = texts.filter((text) => text !== "").sort((a, b) => b.length - a.length);
    if (longestFirst.length > 0) {
      this.#pattern = new RegExp(longestFirst.map(escapePattern).join("|"), "g");
      const edges = new Set(longestFirst.flatMap((text) => [Array.from(text)[0]!, Array.from(text).at(-1)!]));
      this.#edges = new RegExp([...edges].map(escapePattern).join("|"), "gu");
    }
  }

  /** Whether a piece of `text` could be the beginning or the end of a control token. */
  mayJoin(text: string): boolean {
    return this.#edges !== undefined && text.search(this.#edges) >= 0;
  }

  /** How many control tokens these texts hold. */
  countIn(texts: readonly string[]): number {
    const pattern = this.#pattern;
    if (pattern === undefined) return 0;
    return texts.reduce((n, text) => n + (text.match(pattern)?.length ?? 0), 0);
  }

  /** `text` with every run of characters that a control token begins or ends with replaced likewise. */
  replaceEdges(text: string, replacement: (characters: string) => string): string {
    return this.#edges === undefined ? text : replaceRuns(text, this.#edges, replacement);
  }

  /** `text` with every run of control tokens' texts replaced by what `replacement` gives for it. */
  replaceIn(text: string, replacement: (tokens: string) => string): string {
    return this.#pattern === undefined ? text : replaceRuns(text, this.#pattern, replacement);
  }
}

/**
 * Replaces matches that touch as one. Not by a pattern that repeats itself: V8 keeps a state for each time round, and a
 * long run ends its stack.
 */
function replaceRuns(text: string, pattern: RegExp, replacement: (run: string) => string): string {
  const parts: string[] = [];
  // The run that is not yet replaced.
  let begin = 0;
  let end = 0;
  const close = () => end > begin && parts.push(replacement(text.slice(begin, end)));
  pattern.lastIndex = 0;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    if (match.index > end || end === 0) {
      close();
      parts.push(text.slice(end, match.index));
      begin = match.index;
    }
    end = pattern.lastIndex;
  }
  close();
  parts.push(text.slice(end));
  return parts.join("");
}

/**
 * Finds a vocabulary's control tokens: those that are written only where special tokens are written out, and those that are
 * read only where they are parsed.
 */
export async function findControlTokens(vocabulary: Detokenizer): Promise<ControlTokens> {
  const texts = new Set<string>();
  for (let from = 0; from < vocabulary.info.nVocab; from += CHUNK) {
    if (from > 0) await setImmediate();
    const to = Math.min(from + CHUNK, vocabulary.info.nVocab);
    collect(vocabulary, from, to, texts);
  }
  for (const text of SHOWN) {
    const acts = vocabulary.tokenize(text, false, true).length === 1;
    if (acts && vocabulary.tokenize(text, false, false).length > 1) texts.add(text);
  }
  return new ControlTokens([...texts]);
}

/** Halves the range until a range without control tokens, or one token, is left. */
function collect(vocabulary: Detokenizer, from: number, to: number, texts: Set<string>): void {
  const ids = Int32Array.from({ length: to - from }, (_, i) => from + i);
  const written = vocabulary.detokenize(ids, true);
  if (written === vocabulary.detokenize(ids, false)) return;
  if (ids.length === 1) {
    texts.add(written);
    return;
  }
  const middle = from + (ids.length >> 1);
  collect(vocabulary, from, middle, texts);
  collect(vocabulary, middle, to, texts);
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
