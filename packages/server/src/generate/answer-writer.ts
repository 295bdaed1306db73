import type { GenerationResult, MadeToolCall, PromptLogprob, TokenLogprobs } from "medinfer";

/** Resolves when a slow reader has read; undefined: it is not slow. */
export type Waiting = Promise<void> | undefined;

/**
 * The form that a stream gives to an answer. It is told only what may be shown: no number of JSON that may go on, no call
 * before it is whole.
 */
export interface AnswerWriter {
  /**
   * The prompt is being read: nothing of the request is left to refuse. Called once for each generation, before all others.
   *
   * @param promptTokens its length; with several choices it may not be known
   */
  open(promptTokens: number | undefined): void;
  /** More of the prompt's tokens, where the request asked for them. They come before the first text. */
  promptLogprobs?(index: number, tokens: readonly (PromptLogprob | null)[]): void;
  /** @param tokens logprobs of tokens that were drawn since the last call, where the request asked for them */
  text(index: number, text: string, tokens: readonly TokenLogprobs[]): Waiting;
  reasoning(index: number, text: string, tokens: readonly TokenLogprobs[]): Waiting;
  call(index: number, call: MadeToolCall, tokens: readonly TokenLogprobs[]): Waiting;
  /** Choice `index` is whole; all of it has been told. */
  finish(index: number, result: GenerationResult): Waiting;
}
