/** Messages as OpenAI's clients send them. */
import * as v from "valibot";

const textPart = v.strictObject({ type: v.literal("text"), text: v.string() });
const refusalPart = v.strictObject({ type: v.literal("refusal"), refusal: v.string() });

/** A `data:` URL, or where the server allows it one of a web server. Some clients send the string alone. */
const imagePart = v.strictObject({
  type: v.literal("image_url"),
  image_url: v.union([
    v.string(),
    v.strictObject({ url: v.string(), detail: v.optional(v.picklist(["auto", "low", "high"])) }),
  ]),
  /** Ours: the fewest and most tokens that the image is to have, where the model scales images. */
  minTokens: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))),
  maxTokens: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))),
});

/** A document, whose pages the model is shown as images. */
const filePart = v.strictObject({
  type: v.literal("file"),
  file: v.strictObject({
    file_data: v.optional(v.string()),
    filename: v.optional(v.string()),
    file_id: v.nullish(v.never("is not read: send the file itself, in base64 as file_data")),
  }),
});

const part = v.variant("type", [textPart, imagePart, filePart, refusalPart], ({ input }) => partMessage(input));

/** What is wrong with a part's type: those that are known, and not taken, are named. */
function partMessage(type: unknown): string {
  const kinds = "must be text, image_url, file or refusal";
  if (type === "input_audio") return `${kinds}: no model here hears an "input_audio"`;
  return kinds;
}

/** A text, or parts. */
const content = v.union([v.string(), v.pipe(v.array(part), v.minLength(1))]);

const toolCall = v.strictObject({
  id: v.pipe(v.string(), v.minLength(1)),
  type: v.optional(v.literal("function"), "function"),
  function: v.strictObject({ name: v.string(), arguments: v.string() }),
  /** Of streamed calls, which some clients send back as they came. */
  index: v.optional(v.number()),
});

const participant = v.optional(v.string());

const system = v.strictObject({ role: v.picklist(["system", "developer"]), content, name: participant });
const user = v.strictObject({ role: v.literal("user"), content, name: participant });
const assistant = v.strictObject({
  role: v.literal("assistant"),
  content: v.nullish(content),
  refusal: v.nullish(v.string()),
  tool_calls: v.nullish(v.array(toolCall)),
  reasoning_content: v.nullish(v.string()),
  reasoning: v.nullish(v.string()),
  name: participant,
  audio: v.nullish(v.never()),
  function_call: v.nullish(v.never()),
  annotations: v.optional(v.pipe(v.array(v.unknown()), v.maxLength(0))),
});
const tool = v.strictObject({
  role: v.literal("tool"),
  content,
  tool_call_id: v.pipe(v.string(), v.minLength(1)),
  name: participant,
});

const message = v.variant("role", [system, user, assistant, tool], ({ input }) => roleMessage(input));

function roleMessage(role: unknown): string {
  const roles = "must be system, developer, user, assistant or tool";
  if (role === "function") return `${roles}: "function" was replaced by tool_calls and the role tool`;
  if (typeof role !== "string" || !/^(assistant){2,}$/.test(role)) return roles;
  return `${roles}: it says assistant several times, because the deltas of a stream were joined with their roles; say it once`;
}

export const messages = v.pipe(v.array(message), v.minLength(1));

export type Message = v.InferOutput<typeof message>;
export type MessageContent = v.InferOutput<typeof content>;
