/** The answers of POST /v1/responses: whole, and as events. */
import * as v from "valibot";
import { logprobEntry } from "../generate/logprobs-schema.js";
import { count } from "../generate/usage-schema.js";
import { errorSchema, problemFields } from "../http/error-schema.js";
import { format, toolChoice } from "./response-schema.js";

const status = v.picklist(["in_progress", "completed", "incomplete"]);
const textPart = v.object({
  type: v.literal("output_text"),
  text: v.string(),
  annotations: v.array(v.never()),
  logprobs: v.array(logprobEntry),
});
const reasoningPart = v.object({ type: v.literal("reasoning_text"), text: v.string() });

const item = v.variant("type", [
  v.object({
    id: v.string(),
    type: v.literal("message"),
    status,
    role: v.literal("assistant"),
    content: v.array(textPart),
  }),
  v.object({
    id: v.string(),
    type: v.literal("reasoning"),
    status,
    summary: v.array(v.never()),
    content: v.array(reasoningPart),
  }),
  v.object({
    id: v.string(),
    type: v.literal("function_call"),
    status,
    call_id: v.pipe(v.string(), v.minLength(1)),
    name: v.string(),
    arguments: v.string(),
  }),
]);

const usage = v.object({
  input_tokens: count,
  input_tokens_details: v.object({ cached_tokens: count }),
  output_tokens: count,
  output_tokens_details: v.object({ reasoning_tokens: count }),
  total_tokens: count,
});

export const responseAnswer = v.object({
  id: v.string(),
  object: v.literal("response"),
  created_at: count,
  status: v.picklist(["in_progress", "completed", "incomplete", "failed"]),
  background: v.literal(false),
  completed_at: v.nullable(count),
  error: v.nullable(v.object({ code: v.string(), message: v.string() })),
  incomplete_details: v.nullable(v.object({ reason: v.literal("max_output_tokens") })),
  instructions: v.nullable(v.string()),
  max_output_tokens: v.nullable(v.number()),
  max_tool_calls: v.nullable(v.number()),
  metadata: v.record(v.string(), v.string()),
  model: v.string(),
  output: v.array(item),
  parallel_tool_calls: v.boolean(),
  previous_response_id: v.nullable(v.string()),
  prompt_cache_key: v.nullable(v.string()),
  reasoning: v.object({ effort: v.nullable(v.string()), summary: v.null() }),
  safety_identifier: v.nullable(v.string()),
  service_tier: v.literal("default"),
  store: v.boolean(),
  temperature: v.nullable(v.number()),
  text: v.object({ format, verbosity: v.literal("medium") }),
  tool_choice: toolChoice,
  tools: v.array(
    v.object({
      type: v.literal("function"),
      name: v.string(),
      description: v.nullable(v.string()),
      parameters: v.nullable(v.record(v.string(), v.unknown())),
      strict: v.boolean(),
    }),
  ),
  top_logprobs: v.number(),
  top_p: v.nullable(v.number()),
  truncation: v.picklist(["disabled", "auto"]),
  usage: v.nullable(usage),
  user: v.nullable(v.string()),
});

const event = <const T extends string, const E extends v.ObjectEntries>(type: T, fields: E) =>
  v.object({ type: v.literal(type), sequence_number: count, ...fields });
const itemPlace = { item_id: v.string(), output_index: count };
const partPlace = { ...itemPlace, content_index: count };
const response = { response: responseAnswer };
const part = v.variant("type", [textPart, reasoningPart]);

export const responseEvent = v.variant("type", [
  event("response.created", response),
  event("response.in_progress", response),
  event("response.output_item.added", { output_index: count, item }),
  event("response.content_part.added", { ...partPlace, part }),
  event("response.output_text.delta", { ...partPlace, delta: v.string(), logprobs: v.array(logprobEntry) }),
  event("response.output_text.done", { ...partPlace, text: v.string(), logprobs: v.array(logprobEntry) }),
  event("response.reasoning_text.delta", { ...partPlace, delta: v.string() }),
  event("response.reasoning_text.done", { ...partPlace, text: v.string() }),
  event("response.content_part.done", { ...partPlace, part }),
  event("response.function_call_arguments.delta", { ...itemPlace, delta: v.string() }),
  event("response.function_call_arguments.done", { ...itemPlace, name: v.string(), arguments: v.string() }),
  event("response.output_item.done", { output_index: count, item }),
  event("response.completed", response),
  event("response.incomplete", response),
  event("response.failed", response),
  // OpenAI's fields, and the error object that its clients throw.
  event("error", {
    code: problemFields.code,
    message: problemFields.message,
    param: problemFields.param,
    ...errorSchema.entries,
  }),
]);
