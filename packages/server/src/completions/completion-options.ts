import type { CompleteOptions } from "medinfer";
import { answerOptions } from "../generate/answer-options.js";
import { ownCompletionNames } from "../generate/own-options.js";
import type { Terms } from "../generate/terms.js";
import { Problem } from "../http/problem.js";
import type { CompletionBody } from "./completion-schema.js";

/** A prompt as text or token ids. */
export type Prompt = string | readonly number[];

/** The prompts of a request, one or several, in their order. */
export function promptsOf(prompt: CompletionBody["prompt"]): readonly Prompt[] {
  if (typeof prompt === "string") return [prompt];
  return typeof prompt[0] === "number" ? [prompt as number[]] : (prompt as Prompt[]);
}

/**
 * What holds for all prompts of a request, as the library is asked for it.
 *
 * @param note told to the client in a header
 * @throws Problem 400
 */
export function completionOptions(body: CompletionBody, terms: Terms, note: (text: string) => void): CompleteOptions {
  refuseAtOdds(body);
  const { best_of: bestOf, echo, logprobs, max_tokens: most, n, stop } = body;
  const fields: CompleteOptions = {
    nPredict: most ?? terms.defaultMaxTokens,
    ...(n ? { n } : {}),
    // The likeliest of one is that one.
    ...(bestOf && bestOf > 1 ? { bestOf } : {}),
    ...(echo ? { echo } : {}),
    ...(stop ? { stopStrings: [stop].flat() } : {}),
    ...(typeof logprobs === "number" ? { nProbs: Math.max(1, logprobs) } : {}),
  };
  return answerOptions(fields, { body, ownNames: ownCompletionNames, terms, note });
}

/** What one prompt adds to them. */
export function promptOptions(prompt: Prompt, suffix: string | null | undefined): CompleteOptions {
  if (typeof suffix !== "string") return { prompt };
  return typeof prompt === "string" ? { inputPrefix: prompt, inputSuffix: suffix } : { prompt, inputSuffix: suffix };
}

function refuseAtOdds(body: CompletionBody): void {
  const { best_of: bestOf, echo, logprobs, max_tokens: most, n, stream, suffix } = body;
  const refuse = (param: string, message: string) => {
    throw new Problem(400, "invalid_value", `${param} ${message}`, { param });
  };
  if (bestOf && bestOf < (n ?? 1)) refuse("best_of", "must be at least n");
  if (bestOf && bestOf > 1 && stream) refuse("best_of", "must be 1 in a stream: the best is known only at the end");
  if (most === 0 && !echo) refuse("max_tokens", "can be 0 only with echo");
  if (typeof suffix === "string" && ("inputPrefix" in body || "inputSuffix" in body)) {
    refuse("suffix", "must not stand beside inputPrefix or inputSuffix: leave one of them out");
  }
  if (echo && typeof suffix === "string") refuse("echo", "has no meaning beside suffix: leave it out");
  if (echo && stream && "jsonSchema" in body) refuse("echo", "must not stand beside jsonSchema in a stream");
  if (echo && stream && typeof logprobs === "number" && (n ?? 1) > 1) {
    refuse("n", "must be 1 in a stream with echo and logprobs");
  }
}
