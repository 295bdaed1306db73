/** The body of POST /v1/responses: OpenAI's names with OpenAI's limits, and ours beside them. */
import * as v from "valibot";
import { real, whole, withoutEffect } from "../generate/answer-fields.js";
import { ownChatOptions } from "../generate/own-options.js";
import { inputItem } from "./input-schema.js";

const functionTool = v.strictObject({
  type: v.literal("function"),
  name: v.string(),
  description: v.nullish(v.string()),
  parameters: v.nullish(v.record(v.string(), v.unknown())),
  /** Taken, and without effect: arguments always follow their schema. */
  strict: v.nullish(v.boolean()),
});

/** OpenAI's own, which run on its servers or have no schema. */
const toolsElsewhere =
  /^(web_search|file_search|code_interpreter|computer|image_generation|mcp|shell|local_shell|apply_patch|custom|namespace|tool_search)/;

const tool = v.variant("type", [functionTool], ({ input }) => {
  const [known] = (typeof input === "string" && toolsElsewhere.exec(input)) || [];
  return known === undefined ? "must be function" : `must be function: this server has no tools of the type ${known}`;
});

const namedTool = v.strictObject({ type: v.literal("function"), name: v.string() });
export const toolChoice = v.union([
  v.picklist(["auto", "none", "required"]),
  v.variant("type", [
    namedTool,
    v.strictObject({
      type: v.literal("allowed_tools"),
      mode: v.picklist(["auto", "required"]),
      tools: v.pipe(v.array(namedTool), v.minLength(1)),
    }),
  ]),
]);

export const format = v.variant("type", [
  v.strictObject({ type: v.literal("text") }),
  v.strictObject({ type: v.literal("json_object") }),
  v.strictObject({
    type: v.literal("json_schema"),
    name: v.string(),
    description: v.nullish(v.string()),
    schema: v.record(v.string(), v.unknown()),
    strict: v.nullish(v.boolean()),
  }),
]);

export const responseSchema = v.strictObject({
  ...ownChatOptions,
  ...withoutEffect,
  model: v.string(),
  input: v.union([v.string(), v.pipe(v.array(inputItem), v.minLength(1))]),
  instructions: v.nullish(v.string()),
  max_output_tokens: v.nullish(whole(1)),
  temperature: v.nullish(real(0, 2)),
  top_p: v.nullish(real(0, 1)),
  top_logprobs: v.nullish(whole(0, 20)),
  tools: v.nullish(v.pipe(v.array(tool), v.maxLength(512))),
  tool_choice: v.nullish(toolChoice),
  parallel_tool_calls: v.nullish(v.boolean()),
  text: v.nullish(v.strictObject({ format: v.nullish(format), verbosity: v.nullish(v.literal("medium")) })),
  reasoning: v.nullish(
    v.strictObject({
      effort: v.nullish(v.string()),
      /** Taken, and without effect: the reasoning itself is told. */
      summary: v.nullish(v.picklist(["auto", "concise", "detailed"])),
      generate_summary: v.nullish(v.picklist(["auto", "concise", "detailed"])),
    }),
  ),
  include: v.nullish(
    v.array(
      v.picklist(
        ["message.output_text.logprobs", "reasoning.encrypted_content", "message.input_image.image_url"],
        "must be message.output_text.logprobs, reasoning.encrypted_content or message.input_image.image_url",
      ),
    ),
  ),
  /** `auto`: the oldest turns are left out where the context has no room. */
  truncation: v.nullish(v.picklist(["disabled", "auto"])),
  stream: v.nullish(v.boolean()),
  stream_options: v.nullish(v.strictObject({ include_obfuscation: v.nullish(v.boolean()) })),
  store: v.nullish(v.boolean()),
  previous_response_id: v.nullish(v.string()),
  background: v.nullish(v.literal(false)),
  /** Of tools that run on a server, which this one has none of. */
  max_tool_calls: v.nullish(whole(1)),
  prompt_cache_retention: v.nullish(v.string()),
  /** Ours: a stream that outlives its connection for a minute, see GET /v1/streams/{id}. */
  resumable: v.nullish(v.boolean()),
});

export type ResponseBody = v.InferOutput<typeof responseSchema>;
