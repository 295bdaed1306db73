/** The body of POST /v1/chat/completions: OpenAI's names with OpenAI's limits, and ours beside them. */
import * as v from "valibot";
import { answerEntries, whole } from "../generate/answer-fields.js";
import { ownChatOptions } from "../generate/own-options.js";
import { body } from "../http/body.js";
import { messages } from "./message-schema.js";

const tool = v.strictObject({
  type: v.literal("function"),
  function: v.strictObject({
    name: v.string(),
    description: v.nullish(v.string()),
    parameters: v.nullish(v.record(v.string(), v.unknown())),
    /** Taken, and without effect: arguments always follow their schema. */
    strict: v.nullish(v.boolean()),
  }),
});

const namedTool = v.strictObject({ type: v.literal("function"), function: v.strictObject({ name: v.string() }) });
const toolChoice = v.union([
  v.picklist(["auto", "none", "required"]),
  v.variant("type", [
    namedTool,
    v.strictObject({
      type: v.literal("allowed_tools"),
      allowed_tools: v.strictObject({ mode: v.picklist(["auto", "required"]), tools: v.array(namedTool) }),
    }),
  ]),
]);

const responseFormat = v.variant("type", [
  v.strictObject({ type: v.literal("text") }),
  v.strictObject({ type: v.literal("json_object") }),
  v.strictObject({
    type: v.literal("json_schema"),
    json_schema: v.strictObject({
      name: v.string(),
      description: v.nullish(v.string()),
      schema: v.record(v.string(), v.unknown()),
      strict: v.nullish(v.boolean()),
    }),
  }),
]);

/** A text, or parts of one. */
const predicted = v.union([
  v.string(),
  v.pipe(v.array(v.strictObject({ type: v.literal("text"), text: v.string() })), v.minLength(1)),
]);

export const chatSchema = body({
  ...answerEntries,
  ...ownChatOptions,
  messages,
  max_completion_tokens: v.nullish(whole(1)),
  logprobs: v.nullish(v.boolean()),
  top_logprobs: v.nullish(whole(0, 20)),
  response_format: v.nullish(responseFormat),
  tools: v.nullish(v.pipe(v.array(tool), v.maxLength(512))),
  tool_choice: v.nullish(toolChoice),
  parallel_tool_calls: v.nullish(v.boolean()),
  reasoning_effort: v.nullish(v.string()),
  prediction: v.nullish(v.strictObject({ type: v.literal("content"), content: predicted })),
  /** As vLLM and Open WebUI name them. */
  continue_final_message: v.nullish(v.boolean()),
  add_generation_prompt: v.nullish(v.boolean()),
  chat_template_kwargs: v.nullish(v.record(v.string(), v.union([v.string(), v.number(), v.boolean()]))),
});

export type ChatBody = v.InferOutput<typeof chatSchema>;
