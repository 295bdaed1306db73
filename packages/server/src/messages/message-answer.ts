/** The answers of POST /v1/messages: whole, as events, and its errors. */
import * as v from "valibot";
import { count } from "../generate/usage-schema.js";
import { problemFields } from "../http/error-schema.js";

const textBlock = v.object({ type: v.literal("text"), text: v.string(), citations: v.null() });
const thinkingBlock = v.object({ type: v.literal("thinking"), thinking: v.string(), signature: v.literal("") });
const toolUseBlock = v.object({
  type: v.literal("tool_use"),
  id: v.pipe(v.string(), v.minLength(1)),
  name: v.string(),
  input: v.record(v.string(), v.unknown()),
  caller: v.object({ type: v.literal("direct") }),
});
const block = v.variant("type", [textBlock, thinkingBlock, toolUseBlock]);

const stopReason = v.nullable(
  v.picklist(["end_turn", "max_tokens", "model_context_window_exceeded", "stop_sequence", "tool_use"]),
);
const end = {
  stop_reason: stopReason,
  stop_sequence: v.nullable(v.string()),
  stop_details: v.null(),
  container: v.null(),
};

const spent = {
  input_tokens: count,
  cache_creation_input_tokens: v.literal(0),
  cache_read_input_tokens: count,
  output_tokens: count,
  output_tokens_details: v.nullable(v.object({ thinking_tokens: count })),
  server_tool_use: v.null(),
};

export const messageAnswer = v.object({
  id: v.string(),
  type: v.literal("message"),
  role: v.literal("assistant"),
  model: v.string(),
  content: v.array(block),
  ...end,
  diagnostics: v.null(),
  usage: v.object({
    ...spent,
    cache_creation: v.null(),
    inference_geo: v.null(),
    service_tier: v.literal("standard"),
    speed: v.null(),
  }),
});

export const messageError = v.object({
  type: v.literal("error"),
  error: v.object(problemFields),
  request_id: v.string(),
});

const delta = v.variant("type", [
  v.object({ type: v.literal("text_delta"), text: v.string() }),
  v.object({ type: v.literal("thinking_delta"), thinking: v.string() }),
  v.object({ type: v.literal("input_json_delta"), partial_json: v.string() }),
]);

export const messageEvent = v.variant("type", [
  v.object({ type: v.literal("message_start"), message: messageAnswer }),
  v.object({ type: v.literal("ping") }),
  v.object({ type: v.literal("content_block_start"), index: count, content_block: block }),
  v.object({ type: v.literal("content_block_delta"), index: count, delta }),
  v.object({ type: v.literal("content_block_stop"), index: count }),
  v.object({ type: v.literal("message_delta"), delta: v.object(end), usage: v.object(spent) }),
  v.object({ type: v.literal("message_stop") }),
  messageError,
]);
