/** The bodies of POST /v1/messages and its count_tokens: Anthropic's names with Anthropic's limits, and ours beside them. */
import * as v from "valibot";
import { real, whole } from "../generate/answer-fields.js";
import { ownChatOptions } from "../generate/own-options.js";

/** Taken, and without effect: prompts that begin alike are always computed once. */
const cacheControl = v.nullish(v.record(v.string(), v.unknown()));

const textBlock = v.strictObject({
  type: v.literal("text"),
  text: v.string(),
  cache_control: cacheControl,
  citations: v.nullish(v.pipe(v.array(v.unknown()), v.maxLength(0, "must be empty: nothing here makes citations"))),
  parsed_output: v.optional(v.unknown()),
});

const imageBlock = v.strictObject({
  type: v.literal("image"),
  source: v.variant(
    "type",
    [
      v.strictObject({
        type: v.literal("base64"),
        media_type: v.pipe(v.string(), v.regex(/^image\/[\w.+-]+$/, "must be the type of an image, e.g. image/png")),
        data: v.string(),
      }),
      v.strictObject({ type: v.literal("url"), url: v.string() }),
    ],
    "must be base64 or url: images cannot be named by file",
  ),
  cache_control: cacheControl,
});

/** A document, whose pages the model is shown as images, or a text. */
const documentBlock = v.strictObject({
  type: v.literal("document"),
  source: v.variant(
    "type",
    [
      v.strictObject({ type: v.literal("base64"), media_type: v.string(), data: v.string() }),
      v.strictObject({ type: v.literal("text"), media_type: v.literal("text/plain"), data: v.string() }),
    ],
    "must be base64 or text: documents are not fetched, and not named by file",
  ),
  title: v.nullish(v.string()),
  context: v.nullish(v.string()),
  citations: v.nullish(
    v.strictObject({ enabled: v.optional(v.literal(false, "must be false: nothing here makes citations")) }),
  ),
  cache_control: cacheControl,
});

/** Anthropic's, of its own tools and files. */
const blocksElsewhere =
  /^(search_result|redacted_thinking|server_tool_use|web_search_tool_result|web_fetch_tool_result|code_execution_tool_result|container_upload|mcp_tool_use|mcp_tool_result)/;

const blockMessage =
  (kinds: string) =>
  ({ input }: { input: unknown }) => {
    const [known] = (typeof input === "string" && blocksElsewhere.exec(input)) || [];
    return known === undefined
      ? `must be ${kinds}`
      : `must be ${kinds}: this server reads no blocks of the type ${known}`;
  };

const resultPart = v.variant("type", [textBlock, imageBlock, documentBlock], blockMessage("text, image or document"));

const toolResult = v.strictObject({
  type: v.literal("tool_result"),
  tool_use_id: v.pipe(v.string(), v.minLength(1)),
  content: v.optional(v.union([v.string(), v.array(resultPart)])),
  is_error: v.nullish(v.boolean()),
  cache_control: cacheControl,
});

const toolUse = v.strictObject({
  type: v.literal("tool_use"),
  id: v.pipe(v.string(), v.minLength(1)),
  name: v.string(),
  input: v.record(v.string(), v.unknown()),
  caller: v.optional(v.strictObject({ type: v.literal("direct") })),
  cache_control: cacheControl,
});

const thinking = v.strictObject({
  type: v.literal("thinking"),
  thinking: v.string(),
  /** Taken, and not looked at: this server signs nothing. */
  signature: v.optional(v.string()),
});

const userBlock = v.variant(
  "type",
  [textBlock, imageBlock, documentBlock, toolResult],
  blockMessage("text, image, document or tool_result"),
);
const assistantBlock = v.variant("type", [textBlock, toolUse, thinking], blockMessage("text, tool_use or thinking"));

const message = v.variant(
  "role",
  [
    v.strictObject({ role: v.literal("user"), content: v.union([v.string(), v.array(userBlock)]) }),
    v.strictObject({ role: v.literal("assistant"), content: v.union([v.string(), v.array(assistantBlock)]) }),
    v.strictObject({ role: v.literal("system"), content: v.union([v.string(), v.array(textBlock)]) }),
  ],
  "must be user, assistant or system",
);

/** Anthropic's own, which run on its servers or have no schema here. */
const toolsElsewhere =
  /^(web_search|web_fetch|code_execution|bash|text_editor|computer|memory|tool_search|mcp_toolset)/;

const tool = v.variant(
  "type",
  [
    v.strictObject({
      type: v.nullish(v.literal("custom")),
      name: v.string(),
      description: v.nullish(v.string()),
      input_schema: v.record(v.string(), v.unknown()),
      cache_control: cacheControl,
      /** Taken, and without effect: arguments always follow their schema, and come when they are whole. */
      strict: v.nullish(v.boolean()),
      eager_input_streaming: v.nullish(v.boolean()),
    }),
  ],
  ({ input }) => {
    const [known] = (typeof input === "string" && toolsElsewhere.exec(input)) || [];
    return known === undefined ? "must be custom" : `must be custom: this server has no tools of the type ${known}`;
  },
);

const parallel = { disable_parallel_tool_use: v.nullish(v.boolean()) };
const toolChoice = v.variant("type", [
  v.strictObject({ type: v.literal("auto"), ...parallel }),
  v.strictObject({ type: v.literal("any"), ...parallel }),
  v.strictObject({ type: v.literal("tool"), name: v.string(), ...parallel }),
  v.strictObject({ type: v.literal("none") }),
]);

const shown = { display: v.nullish(v.literal("summarized")) };
const thinkingConfig = v.variant("type", [
  v.strictObject({ type: v.literal("enabled"), budget_tokens: whole(1), ...shown }),
  v.strictObject({ type: v.literal("adaptive"), ...shown }),
  v.strictObject({ type: v.literal("disabled") }),
]);

/** What makes the prompt. */
const promptEntries = {
  ...ownChatOptions,
  model: v.string(),
  messages: v.pipe(v.array(message), v.minLength(1)),
  system: v.nullish(v.union([v.string(), v.array(textBlock)])),
  tools: v.nullish(v.pipe(v.array(tool), v.maxLength(512))),
  tool_choice: v.nullish(toolChoice),
  thinking: v.nullish(thinkingConfig),
  output_config: v.nullish(
    v.strictObject({
      effort: v.nullish(v.string()),
      format: v.nullish(v.strictObject({ type: v.literal("json_schema"), schema: v.record(v.string(), v.unknown()) })),
    }),
  ),
  cache_control: cacheControl,
};

export const countSchema = v.strictObject(promptEntries);

export const messagesSchema = v.strictObject({
  ...promptEntries,
  max_tokens: whole(1),
  temperature: v.nullish(real(0, 1)),
  top_p: v.nullish(real(0, 1)),
  top_k: v.nullish(whole(0)),
  stop_sequences: v.nullish(v.pipe(v.array(v.pipe(v.string(), v.minLength(1), v.maxLength(1000))), v.maxLength(64))),
  stream: v.nullish(v.boolean()),
  metadata: v.nullish(v.strictObject({ user_id: v.nullish(v.string()) })),
  service_tier: v.nullish(v.picklist(["auto", "standard_only"])),
  /** Ours: a stream that outlives its connection for a minute, see GET /v1/streams/{id}. */
  resumable: v.nullish(v.boolean()),
});

export type PromptBody = v.InferOutput<typeof countSchema>;
export type MessagesBody = v.InferOutput<typeof messagesSchema>;
export type WireMessage = PromptBody["messages"][number];
export type WireBlock = v.InferOutput<typeof userBlock> | v.InferOutput<typeof assistantBlock>;
