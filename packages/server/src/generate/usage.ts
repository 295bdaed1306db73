/** How an answer ended and what it took, in OpenAI's words. */
import type { FinishReason, GenerationResult, Usage } from "medinfer";

/** OpenAI's four; clients take any other for an unknown end. */
export function finishReason(reason: FinishReason): "stop" | "length" | "tool_calls" {
  switch (reason) {
    case "eos":
    case "stop":
      return "stop";
    case "toolCalls":
      return "tool_calls";
    case "length":
    case "context":
    case "time":
      return "length";
  }
}

export interface WireUsage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  prompt_tokens_details: { cached_tokens: number; image_tokens: number; text_tokens: number; audio_tokens: 0 };
}

export function usageOf({ promptTokens, completionTokens, cachedTokens, imageTokens }: Usage): WireUsage {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: {
      cached_tokens: cachedTokens,
      image_tokens: imageTokens,
      text_tokens: promptTokens - imageTokens,
      audio_tokens: 0,
    },
  };
}

/**
 * The result, with the tokens of all its choices in its usage: the library's counts those of the first. The prompt counts once,
 * because it is computed once.
 */
export function withAllChoices(result: GenerationResult): GenerationResult {
  if (result.choices === undefined) return result;
  const completionTokens = result.choices.reduce((sum, { usage }) => sum + usage.completionTokens, 0);
  return { ...result, usage: { ...result.usage, completionTokens } };
}
