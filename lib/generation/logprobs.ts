/** How likely tokens were: what `nProbs` asks for. */
import { Buffer } from "node:buffer";
import type { NativeLogprobs, NativePromptLogprob, NativeTopLogprob } from "../native/types.js";

/** A token and the natural logarithm of its probability. */
export interface TokenLogprob {
  id: number;
  /** The token as text; a part of a character is U+FFFD. */
  text: string;
  /** The token's UTF-8 bytes: it may be a part of a character. */
  bytes: number[];
  logprob: number;
}

/** A drawn token, and the `nProbs` most likely ones beside it, the most likely first. */
export interface TokenLogprobs {
  id: number;
  /** The token as text; a part of a character is U+FFFD. */
  text: string;
  /** The token's UTF-8 bytes: it may be a part of a character. */
  bytes: number[];
  /** The token's own, as the model gave it: before biases, penalties and filters. */
  logprobBefore: number;
  /** The token's own, among the candidates that the chain left. At temperature 0 it is the only one: 0. */
  logprobAfter: number;
  /** The most likely tokens as the model gave them. */
  before: TokenLogprob[];
  /** The most likely of those that the chain left; fewer where it left fewer. */
  after: TokenLogprob[];
}

/** A token of the prompt, given all before it. */
export interface PromptLogprob {
  id: number;
  /** The token as text; a part of a character is U+FFFD. */
  text: string;
  /** The token's UTF-8 bytes: it may be a part of a character. */
  bytes: number[];
  /** Natural logarithm. Null for the first token: nothing is before it. */
  logprob: number | null;
  /** The most likely tokens in its place, as many as `promptLogprobs` asks for. Empty for the first token. */
  top: TokenLogprob[];
}

function written(latin1: string): { text: string; bytes: number[] } {
  const bytes = Buffer.from(latin1, "latin1");
  return { text: bytes.toString("utf8"), bytes: [...bytes] };
}

function toTop({ id, bytes, logprob }: NativeTopLogprob): TokenLogprob {
  return { id, ...written(bytes), logprob };
}

/** What the addon tells of drawn tokens, as users see it. */
export function toLogprobs(tokens: readonly NativeLogprobs[]): TokenLogprobs[] {
  return tokens.map(({ id, bytes, logprobBefore, logprobAfter, before, after }) => ({
    id,
    ...written(bytes),
    logprobBefore,
    logprobAfter,
    before: before.map(toTop),
    after: after.map(toTop),
  }));
}

/** What the addon tells of the prompt's tokens, as users see it; null: of an image. */
export function toPromptLogprobs(tokens: readonly NativePromptLogprob[]): (PromptLogprob | null)[] {
  return tokens.map(({ id, bytes, logprob = null, top }) =>
    id < 0 ? null : { id, ...written(bytes), logprob, top: top.map(toTop) },
  );
}
