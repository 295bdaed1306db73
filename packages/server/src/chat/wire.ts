/** What an answer of the engine is as a chat's. */
import type { GenerationResult, MadeToolCall, TokenLogprobs } from "medinfer";
import { logprobEntries, type LogprobsShown } from "../generate/logprobs-shown.js";
import { reasoningOf } from "../generate/reasoning.js";
import { finishReason } from "../generate/usage.js";

export function logprobsOf(tokens: readonly TokenLogprobs[], shown: LogprobsShown) {
  return { content: logprobEntries(tokens, shown), refusal: null };
}

/** A choice of a whole answer. */
export function choiceOf(result: GenerationResult, index: number, shown: LogprobsShown | undefined) {
  const { text, reasoning, toolCalls, logprobs } = result;
  return {
    index,
    message: {
      role: "assistant",
      content: text === "" && toolCalls.length > 0 ? null : text,
      refusal: null,
      ...reasoningOf(reasoning),
      ...(toolCalls.length > 0 ? { tool_calls: toolCalls.map(toolCallOf) } : {}),
    },
    logprobs: shown === undefined || logprobs === undefined ? null : logprobsOf(logprobs, shown),
    finish_reason: finishReason(result.finishReason),
  };
}

export function toolCallOf({ id, name, arguments: text }: MadeToolCall) {
  return { id, type: "function", function: { name, arguments: text } };
}
