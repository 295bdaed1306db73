import * as v from "valibot";
import { isImageSource, type ImageSource } from "../images/load.js";
import { any, flag, list, object, text } from "../validation/fields.js";
import { templateArgumentsSchema } from "./template-arguments.js";
import type { ChatMessage, Content, ImagePart, TextMessage, TextPart } from "./types.js";

/** A source of an image, as far as its type tells. */
export const imageSchema = any<ImageSource>(
  isImageSource,
  "the bytes (Uint8Array, ArrayBuffer, Blob or File), a path, a URL or a data: URL of an image",
);

const textPart = object({ type: v.literal("text"), text: text() });
const imagePart = object({
  type: v.literal("image"),
  image: imageSchema,
  id: v.optional(text()),
});

const partSchema: v.GenericSchema<TextPart | ImagePart> = v.lazy((input) => {
  const type = (input as { type?: unknown } | null)?.type;
  if (type === "text") return textPart;
  if (type === "image") return imagePart;
  return v.never('must be { type: "text", text } or { type: "image", image }');
});

/** A text, or parts. */
export const contentSchema: v.GenericSchema<Content> = v.lazy((input) =>
  Array.isArray(input)
    ? list(partSchema, "parts")
    : any<string>((value) => typeof value === "string", "a string or a list of parts"),
);

// It goes into the prompt as it is, so it must not be able to hold a control token.
/** A role's name. */
export const roleSchema = any<string>(
  (value) => typeof value === "string" && /^[\w.-]{1,64}$/.test(value),
  'a name such as "system", "user" or "assistant"',
);

/** A conversation. */
export const messagesSchema: v.GenericSchema<ChatMessage[]> = list(
  object({ role: roleSchema, content: contentSchema }),
  "messages",
  true,
);

/** A conversation of texts. */
export const textMessagesSchema: v.GenericSchema<TextMessage[]> = list(
  object({ role: roleSchema, content: text() }),
  "messages",
  true,
);

/** Options of renderChat. */
export const renderOptionsSchema = object({
  addGenerationPrompt: v.optional(flag(), true),
  templateArguments: templateArgumentsSchema,
});

/** What a template returns: the caller's functions are not to be trusted with it. */
export const renderedSchema = v.pipe(
  v.any(),
  v.transform((rendered: unknown) => (typeof rendered === "string" ? { prompt: rendered } : rendered)),
  v.looseObject(
    { prompt: text(), stopStrings: v.optional(list(text({ filled: true }), "texts"), () => []) },
    "must return a string or { prompt, stopStrings }",
  ),
);
