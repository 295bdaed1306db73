/** What an answer of the engine is in OpenAI's words. */
import type { FinishReason, GenerationResult, ModelInfo, TokenLogprobs, Usage } from "medinfer";

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

export function logprobsOf(tokens: readonly TokenLogprobs[], { top, ends }: LogprobsShown) {
  return {
    content: withoutEnds(tokens, ends).map(({ text, bytes, logprobBefore, before }) => ({
      token: text,
      logprob: logprobBefore,
      bytes,
      top_logprobs: before.slice(0, top).map((each) => ({
        token: each.text,
        logprob: each.logprob,
        bytes: each.bytes,
      })),
    })),
    refusal: null,
  };
}

/** Tokens that end a turn have no text in an answer, and OpenAI's lists do not have them. */
function withoutEnds(tokens: readonly TokenLogprobs[], ends: ReadonlySet<number>): TokenLogprobs[] {
  return tokens.filter(({ id }) => !ends.has(id));
}

/** The ids of tokens that end a turn. */
export function endsOf({ endTokens }: ModelInfo): ReadonlySet<number> {
  return new Set(endTokens.filter(({ ends }) => ends).map(({ id }) => id));
}

/** Which logprobs to show: how many likely tokens beside each, and whose entries to leave out. */
export interface LogprobsShown {
  top: number;
  ends: ReadonlySet<number>;
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

/** Under both of its names: LangChain reads one, others the other. */
export function reasoningOf(text: string) {
  return text === "" ? {} : { reasoning_content: text, reasoning: text };
}

function toolCallOf({ id, name, arguments: text }: { id: string; name: string; arguments: string }) {
  return { id, type: "function", function: { name, arguments: text } };
}
