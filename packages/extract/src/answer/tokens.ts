/** The drawn tokens of an answer, and where in its text they stand. */
import { ExtractError } from "../errors.js";

/** What is needed of a drawn token; `TokenLogprobs` of medinfer is one. */
export interface DrawnToken {
  /** Its UTF-8 bytes: it may be a part of a character. */
  readonly bytes: readonly number[];
  /** Its own, as the model gave it: before biases, penalties, filters and the grammar. Natural logarithm. */
  readonly logprobBefore: number;
}

/** An entry of `choices[].logprobs.content` of OpenAI's chat completions, as `medinfer serve` gives them. */
export interface OpenAiLogprob {
  readonly token: string;
  readonly bytes: readonly number[] | null;
  readonly logprob: number;
}

const utf8 = new TextEncoder();

/** Tokens from a server that speaks OpenAI's API. Where it tells no bytes, those of the token's text are taken. */
export function fromOpenAi(content: readonly OpenAiLogprob[]): DrawnToken[] {
  return content.map(({ token, bytes, logprob }) => ({
    bytes: bytes ?? Array.from(utf8.encode(token)),
    logprobBefore: logprob,
  }));
}

/** A token with its place in an answer: byte offsets of the text's UTF-8. */
export interface PlacedToken extends DrawnToken {
  readonly start: number;
  readonly end: number;
}

/** Where the tokens of an answer stand in its text. */
export class TokenPlaces {
  /** Those that have a part in the text, in order. */
  readonly tokens: readonly PlacedToken[];
  /** The byte at which each UTF-16 unit of the text begins, and the number of bytes. */
  readonly #byteAt: Uint32Array;

  /**
   * The text is what the tokens end with, but for tokens of control and white space behind it; what is before it may be
   * thoughts.
   * @throws ExtractError `BAD_TOKENS` where there are none, or they do not hold the text
   */
  constructor(text: string, tokens: readonly DrawnToken[] | undefined) {
    if (tokens === undefined) {
      throw new ExtractError("BAD_TOKENS", "there are no logprobs: ask for the answer with nProbs: 1");
    }
    const needle = latin1(utf8.encode(text));
    const drawn = tokens.map(({ bytes }) => latin1(bytes));
    const offset = drawn.join("").lastIndexOf(needle);
    if (offset < 0) {
      throw new ExtractError(
        "BAD_TOKENS",
        "the tokens are not those of the answer: give text and logprobs of the same result, asked for with nProbs",
      );
    }
    let at = -offset;
    const placed: PlacedToken[] = [];
    for (const [i, token] of tokens.entries()) {
      const start = at;
      at += drawn[i]!.length;
      if (at > Math.max(start, 0) && start < needle.length) placed.push({ ...token, start, end: at });
    }
    this.tokens = placed;
    this.#byteAt = byteOffsets(text);
  }

  /**
   * The indices of the tokens that have a byte of the text's units from `start` to before `end`, or to its own end: [first,
   * behind the last].
   */
  within(start: number, end: number): [number, number] {
    const [from, to] = [this.#byteAt[start]!, this.#byteAt[Math.min(end, this.#byteAt.length - 1)]!];
    const first = this.#firstEndingBehind(from);
    let behind = first;
    while (behind < this.tokens.length && this.tokens[behind]!.start < to) behind++;
    return [first, behind];
  }

  #firstEndingBehind(byte: number): number {
    let [low, high] = [0, this.tokens.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.tokens[middle]!.end > byte) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** A character for each byte, so that strings can look for bytes. */
function latin1(bytes: Iterable<number>): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

function byteOffsets(text: string): Uint32Array {
  const offsets = new Uint32Array(text.length + 1);
  let [unit, byte] = [0, 0];
  for (const character of text) {
    // Both halves of a surrogate pair begin where it begins.
    for (let i = 0; i < character.length; i++) offsets[unit + i] = byte;
    unit += character.length;
    byte += utf8.encode(character).length;
  }
  offsets[unit] = byte;
  return offsets;
}
