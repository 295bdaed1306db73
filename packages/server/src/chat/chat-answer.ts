/** The answers of POST /v1/chat/completions: whole, and as chunks. */
import * as v from "valibot";
import { logprobEntry } from "../generate/logprobs-schema.js";
import { count, finishReasonSchema, usageSchema } from "../generate/usage-schema.js";
import { errorSchema } from "../http/error-schema.js";

const call = {
  id: v.pipe(v.string(), v.minLength(1)),
  type: v.literal("function"),
  function: v.object({ name: v.string(), arguments: v.string() }),
};
const logprobs = v.nullable(v.object({ content: v.array(logprobEntry), refusal: v.null() }));
const reasoning = { reasoning_content: v.optional(v.string()), reasoning: v.optional(v.string()) };
const head = { id: v.string(), created: count, model: v.string() };

export const chatAnswer = v.object({
  ...head,
  object: v.literal("chat.completion"),
  choices: v.array(
    v.object({
      index: count,
      message: v.object({
        role: v.literal("assistant"),
        content: v.nullable(v.string()),
        refusal: v.null(),
        ...reasoning,
        tool_calls: v.optional(v.pipe(v.array(v.object(call)), v.minLength(1))),
      }),
      logprobs,
      finish_reason: finishReasonSchema,
    }),
  ),
  usage: usageSchema,
  service_tier: v.literal("default"),
});

const chatChunk = v.object({
  ...head,
  object: v.literal("chat.completion.chunk"),
  choices: v.array(
    v.object({
      index: count,
      delta: v.object({
        role: v.optional(v.literal("assistant")),
        content: v.optional(v.string()),
        refusal: v.optional(v.null()),
        ...reasoning,
        tool_calls: v.optional(v.pipe(v.array(v.object({ index: count, ...call })), v.minLength(1))),
      }),
      logprobs,
      finish_reason: v.nullable(finishReasonSchema),
    }),
  ),
  usage: v.optional(v.nullable(usageSchema)),
});

export const chatEvent = { data: v.union([chatChunk, errorSchema]), last: "[DONE]" };
