import type { GenerationResult, MadeToolCall, TokenLogprobs } from "medinfer";

/** Resolves when a slow reader has read; undefined: it is not slow. */
export type Waiting = Promise<void> | undefined;

/**
 * The form that a stream gives to an answer. It is told only what may be shown: no number of JSON that may go on, no call
 * before it is whole.
 */
export interface AnswerWriter {
  /**
   * The prompt is read: nothing of the request is left to refuse. Called at least once, before all others.
   *
   * @param promptTokens its length
   */
  open(promptTokens: number): void;
  /** @param tokens logprobs of tokens that were drawn since the last call, where the request asked for them */
  text(index: number, text: string, tokens: readonly TokenLogprobs[]): Waiting;
  reasoning(index: number, text: string, tokens: readonly TokenLogprobs[]): Waiting;
  call(index: number, call: MadeToolCall, tokens: readonly TokenLogprobs[]): Waiting;
  /** Choice `index` is whole; all of it has been told. */
  finish(index: number, result: GenerationResult): Waiting;
}
