import * as v from "valibot";
import { isImageSource, type ImageSource } from "../images/load.js";
import { any, flag, integer, list, object, text } from "../validation/fields.js";
import { reasoningEffortSchema } from "./reasoning-effort.js";
import { templateArgumentsSchema } from "./template-arguments.js";
import { findResultFault, nameResults } from "./tool-results.js";
import { callIdSchema, toolCallsSchema, toolName, toolsSchema } from "./tool-schema.js";
import { isLimitedImage } from "./limited-image.js";
import type { ChatMessage, Content, ImageInput, ImagePart, ResolvedMessage, TextMessage, TextPart } from "./types.js";

/** A source of an image, as far as its type tells. */
export const imageSchema = any<ImageSource>(
  isImageSource,
  "the bytes (Uint8Array, ArrayBuffer, Blob or File), a path, a URL or a data: URL of an image",
);

const textPart = object({ type: v.literal("text"), text: text() });
interface Limits {
  minTokens?: number | undefined;
  maxTokens?: number | undefined;
}
const limits = { minTokens: v.optional(integer(1)), maxTokens: v.optional(integer(1)) };
const inOrder = ({ minTokens = 0, maxTokens = minTokens }: Limits) => minTokens <= maxTokens;
const order = "must have a minTokens of at most its maxTokens";
const imagePart = v.pipe(
  object({ type: v.literal("image"), image: imageSchema, id: v.optional(text()), ...limits }),
  v.check((image) => inOrder(image), order),
);
const limitedImage = v.pipe(
  object({ image: imageSchema, ...limits }),
  v.check((image) => inOrder(image), order),
);

/** An image that stands in no content: a source, or an object with it and with limits of tokens. */
export const imageInputSchema: v.GenericSchema<ImageInput> = v.lazy((input) =>
  isLimitedImage(input) ? limitedImage : imageSchema,
);

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

const assistants = "an assistant message";
const elsewhere = {
  toolCalls: assistants,
  reasoning: assistants,
  toolCallId: "a tool message",
  name: "a tool message",
};

/** Null and what is left out are the empty text, where there are calls. */
function orNothing<TContent extends Content>(content: v.GenericSchema<TContent>) {
  return v.pipe(
    object(
      {
        role: roleSchema,
        content: v.nullish(content),
        toolCalls: v.optional(toolCallsSchema),
        reasoning: v.optional(text()),
      },
      elsewhere,
    ),
    v.rawTransform(({ dataset, addIssue, NEVER }): ResolvedMessage => {
      const { role, content: said, toolCalls = [], reasoning = "" } = dataset.value;
      if (said === null || said === undefined) {
        if (toolCalls.length > 0) return { role, content: "", toolCalls, ...(reasoning === "" ? {} : { reasoning }) };
        addIssue({
          message: said === null ? "must not be null where there are no toolCalls" : "is missing",
          path: [{ type: "object", origin: "value", input: {}, key: "content", value: said }],
        });
        return NEVER;
      }
      return {
        role,
        content: said,
        ...(toolCalls.length === 0 ? {} : { toolCalls }),
        ...(reasoning === "" ? {} : { reasoning }),
      };
    }),
  );
}

/** A conversation whose contents are of one kind. */
function conversation<TContent extends Content>(content: v.GenericSchema<TContent>) {
  const plain = object({ role: roleSchema, content }, elsewhere);
  const assistant = orNothing(content);
  const tool = object(
    { role: roleSchema, content, toolCallId: callIdSchema, name: v.optional(toolName) },
    { toolCalls: assistants, reasoning: assistants },
  );
  const message = v.lazy((input) => {
    const role = (input as { role?: unknown } | null)?.role;
    return role === "assistant" ? assistant : role === "tool" ? tool : plain;
  });
  return v.pipe(
    list(message, "messages", true),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return;
      const messages = dataset.value;
      const fault = findResultFault(messages);
      if (fault === undefined) return;
      const { at, key, message: why } = fault;
      const index = { type: "array" as const, origin: "value" as const, input: messages, key: at, value: messages[at] };
      const field = { type: "object" as const, origin: "value" as const, input: {}, key: key ?? "", value: undefined };
      addIssue({ message: why, path: key === undefined ? [index] : [index, field] });
    }),
    v.transform((messages) => nameResults(messages)),
  );
}

/** A conversation. */
export const messagesSchema = conversation(contentSchema) as v.GenericSchema<ChatMessage[], ResolvedMessage[]>;

/** A conversation of texts. */
export const textMessagesSchema = conversation(text()) as v.GenericSchema<TextMessage[], ResolvedMessage[]>;

/** What prompts are made with, beside the messages. */
export const promptEntries = {
  templateArguments: templateArgumentsSchema,
  tools: toolsSchema,
  reasoningEffort: reasoningEffortSchema,
};

/** What a conversation is rendered with, where its last message may be continued. */
export const renderingEntries = { ...promptEntries, continueFinalMessage: v.optional(flag(), false) };

/** Options of renderChat. */
export const renderOptionsSchema = object({ addGenerationPrompt: v.optional(flag()), ...renderingEntries });

/** What a template returns: the caller's functions are not to be trusted with it. */
export const renderedSchema = v.pipe(
  v.any(),
  v.transform((rendered: unknown) => (typeof rendered === "string" ? { prompt: rendered } : rendered)),
  v.looseObject(
    { prompt: text(), stopStrings: v.optional(list(text({ filled: true }), "texts"), () => []) },
    "must return a string or { prompt, stopStrings }",
  ),
);
