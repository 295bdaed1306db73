/** What an answer of the engine is in Anthropic's words. */
import type { Engine, GenerationResult, MadeToolCall } from "medinfer";
import { reasoningTokens } from "../generate/reasoning.js";
import type { StreamHead } from "../generate/stream-head.js";
import type { MessagesBody } from "./messages-schema.js";

/** A message of which nothing has been said yet, or all. */
export function messageObject({ id, model }: StreamHead, content: readonly object[], end: object, usage: object) {
  return {
    id,
    type: "message",
    role: "assistant",
    model,
    content,
    stop_reason: null,
    stop_sequence: null,
    stop_details: null,
    container: null,
    diagnostics: null,
    ...end,
    usage,
  };
}

export const textBlock = (text: string) => ({ type: "text", text, citations: null });
/** This server signs nothing, and asks for no signature. */
export const thinkingBlock = (thinking: string) => ({ type: "thinking", thinking, signature: "" });
export const toolUseBlock = ({ id, name }: MadeToolCall, input: object) => ({
  type: "tool_use",
  id,
  name,
  input,
  caller: { type: "direct" },
});

/** The blocks of a whole answer. */
export function contentOf({ reasoning, text, toolCalls }: GenerationResult): object[] {
  return [
    ...(reasoning === "" ? [] : [thinkingBlock(reasoning)]),
    ...(text === "" ? [] : [textBlock(text)]),
    ...toolCalls.map((call) => toolUseBlock(call, call.value)),
  ];
}

/** Why it ended. */
export function endOf({ finishReason, stopString }: GenerationResult, { stop_sequences: stops }: MessagesBody) {
  const sequence = finishReason === "stop" && (stops ?? []).includes(stopString) ? stopString : null;
  return { stop_reason: sequence === null ? reasons[finishReason] : "stop_sequence", stop_sequence: sequence };
}

const reasons = {
  eos: "end_turn",
  // A stop of the chat template's.
  stop: "end_turn",
  toolCalls: "tool_use",
  length: "max_tokens",
  time: "max_tokens",
  context: "model_context_window_exceeded",
} satisfies Record<GenerationResult["finishReason"], string>;

/** Tokens that were read from the cache are counted apart, as Anthropic does. */
export function usageOf(result: GenerationResult, engine: Engine) {
  const { promptTokens, completionTokens, cachedTokens } = result.usage;
  return {
    input_tokens: promptTokens - cachedTokens,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: cachedTokens,
    output_tokens: completionTokens,
    output_tokens_details: { thinking_tokens: reasoningTokens(result, engine) },
    server_tool_use: null,
  };
}

/** What only whole messages say of their usage. */
export const usageOfWhole = { cache_creation: null, inference_geo: null, service_tier: "standard", speed: null };
