/** The answers of POST /v1/completions: whole, and as chunks. */
import * as v from "valibot";
import { count, usageSchema } from "../generate/usage-schema.js";
import { errorSchema } from "../http/error-schema.js";

const choice = {
  index: count,
  text: v.string(),
  reasoning_content: v.optional(v.string()),
  reasoning: v.optional(v.string()),
  logprobs: v.nullable(
    v.object({
      text_offset: v.array(count),
      token_logprobs: v.array(v.nullable(v.number())),
      tokens: v.array(v.string()),
      top_logprobs: v.array(v.nullable(v.record(v.string(), v.number()))),
    }),
  ),
};
const finish = v.picklist(["stop", "length"]);
const head = { id: v.string(), object: v.literal("text_completion"), created: count, model: v.string() };

export const completionAnswer = v.object({
  ...head,
  choices: v.array(v.object({ ...choice, finish_reason: finish })),
  usage: usageSchema,
});

const completionChunk = v.object({
  ...head,
  choices: v.array(v.object({ ...choice, finish_reason: v.nullable(finish) })),
  usage: v.optional(v.nullable(usageSchema)),
});

export const completionEvent = { data: v.union([completionChunk, errorSchema]), last: "[DONE]" };
