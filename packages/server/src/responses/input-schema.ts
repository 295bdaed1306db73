/** What conversations are made of in responses: messages, calls, their results, reasoning. */
import * as v from "valibot";

const ids = { id: v.nullish(v.string()), status: v.nullish(v.string()) };

const inputText = v.strictObject({ type: v.literal("input_text"), text: v.string() });
/** A `data:` URL, or where the server allows it one of a web server. */
const inputImage = v.strictObject({
  type: v.literal("input_image"),
  image_url: v.string("must be a URL: images cannot be named by file_id"),
  detail: v.nullish(v.picklist(["auto", "low", "high"])),
  file_id: v.nullish(v.never()),
});
/** As answers have it, and clients send it back. */
const outputText = v.strictObject({
  type: v.literal("output_text"),
  text: v.string(),
  annotations: v.optional(v.array(v.unknown())),
  logprobs: v.nullish(v.array(v.unknown())),
  parsed: v.optional(v.unknown()),
});
const refusal = v.strictObject({ type: v.literal("refusal"), refusal: v.string() });

/** A document, whose pages the model is shown as images. */
const inputFile = v.strictObject({
  type: v.literal("input_file"),
  file_data: v.optional(v.string()),
  filename: v.nullish(v.string()),
  file_id: v.nullish(v.never("is not read: send the file itself, in base64 as file_data")),
  file_url: v.nullish(v.never("is not read: send the file itself, in base64 as file_data")),
  detail: v.nullish(v.picklist(["auto", "low", "high"])),
});

const part = v.variant("type", [inputText, inputImage, inputFile, outputText, refusal], ({ input }) => {
  const kinds = "must be input_text, input_image, input_file, output_text or refusal";
  if (input === "input_audio") return `${kinds}: no model here hears an "input_audio"`;
  return kinds;
});
const parts = v.pipe(v.array(part), v.minLength(1));

const message = v.strictObject({
  type: v.optional(v.literal("message"), "message"),
  role: v.picklist(["system", "developer", "user", "assistant"], "must be system, developer, user or assistant"),
  content: v.union([v.string(), parts]),
  phase: v.nullish(v.string()),
  ...ids,
});

const functionCall = v.strictObject({
  type: v.literal("function_call"),
  call_id: v.pipe(v.string(), v.minLength(1)),
  name: v.string(),
  arguments: v.string(),
  /** Of the openai client's `parse()`. */
  parsed_arguments: v.optional(v.unknown()),
  ...ids,
});

const functionCallOutput = v.strictObject({
  type: v.literal("function_call_output"),
  call_id: v.pipe(v.string(), v.minLength(1)),
  output: v.union([v.string(), parts]),
  ...ids,
});

const reasoning = v.strictObject({
  type: v.literal("reasoning"),
  summary: v.optional(v.array(v.strictObject({ type: v.literal("summary_text"), text: v.string() })), []),
  content: v.nullish(v.array(v.strictObject({ type: v.literal("reasoning_text"), text: v.string() }))),
  encrypted_content: v.nullish(v.never("must be left out: no reasoning of this server is encrypted")),
  ...ids,
});

/** OpenAI's, of tools that run on its servers or of its stored state. */
const itemsElsewhere =
  /^(item_reference|file_search_call|web_search_call|computer_call|code_interpreter_call|image_generation_call|local_shell_call|shell_call|apply_patch_call|mcp_\w{1,20}|custom_tool_call|compaction)/;

export const inputItem = v.variant("type", [message, functionCall, functionCallOutput, reasoning], ({ input }) => {
  const kinds = "must be message, function_call, function_call_output or reasoning";
  const [known] = (typeof input === "string" && itemsElsewhere.exec(input)) || [];
  return known === undefined ? kinds : `${kinds}: this server reads no items of the type ${known}`;
});

export type InputItem = v.InferOutput<typeof inputItem>;
export type InputPart = v.InferOutput<typeof part>;
