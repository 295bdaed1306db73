/** What a session and its chats may be given. */
import * as v from "valibot";
import type { LoraAdapter } from "../adapters/lora-adapter.js";
import type { AdapterUse } from "../adapters/options.js";
import { contentSchema, imageInputSchema, promptEntries } from "../chat/schema.js";
import { callIdSchema } from "../chat/tool-schema.js";
import type { Content, FunctionTool, ImageInput, ReasoningEffort, TemplateArguments, Tool } from "../chat/types.js";
import {
  generationEntries,
  ofCompletions,
  onContextFullSchema,
  type GenerationOptions,
  type OnContextFull,
} from "../options/request-options.js";
import { toolChoiceSchema, type ToolChoice } from "../tools/tool-choice.js";
import { flag, list, object, text } from "../validation/fields.js";

/** Options of {@link Engine.session}. All are optional. */
export interface SessionOptions {
  /** The system message. Default none. */
  system?: string;
  /** A name or a Jinja template. Default: that of the engine. */
  chatTemplate?: string;
  /** See {@link ChatOptions.templateArguments}. Default none. */
  templateArguments?: TemplateArguments;
  /** See {@link ChatOptions.tools}. Default none. */
  tools?: readonly (Tool | FunctionTool)[];
  /** See {@link ChatOptions.reasoningEffort}. */
  reasoningEffort?: ReasoningEffort;
  /** See {@link GenerationOptions.cacheSalt}. Default `""`. */
  cacheSalt?: string;
  /** See {@link GenerationOptions.adapters}: those of every answer. Default none. */
  adapters?: readonly AdapterUse[];
  /** See {@link ChatOptions.onContextFull}; a chat may have another. Default `"stop"`. */
  onContextFull?: OnContextFull;
}

/** What a call of a tool gave. */
export interface ToolResult {
  /** The `id` of the call. */
  toolCallId: string;
  /** What the model reads of it. */
  content: Content;
}

/** What is said next in a {@link Session}, with the options of the answer. */
export interface SessionChatOptions extends Omit<GenerationOptions, "cacheSalt" | "adapters"> {
  /** What the user says; images may stand among its parts. May be left out beside `toolResults`. */
  content?: Content;
  /** What the calls of the last answer gave, each of them, in any order. Stands before `content`. */
  toolResults?: readonly ToolResult[];
  /** See {@link ChatOptions.toolChoice}. Default `"auto"`. */
  toolChoice?: ToolChoice;
  /** See {@link ChatOptions.parallelToolCalls}. Default true. */
  parallelToolCalls?: boolean;
  /** Images put before the content, each followed by a line break. */
  images?: readonly ImageInput[];
  /** See {@link ChatOptions.onContextFull}. Default: the session's. */
  onContextFull?: OnContextFull;
}

const { cacheSalt, adapters, ...chatEntries } = generationEntries;

/** Checks {@link SessionOptions}. */
export const sessionOptionsSchema = object({
  system: v.optional(text({ filled: true })),
  chatTemplate: v.optional(text({ filled: true })),
  ...promptEntries,
  cacheSalt,
  adapters,
  onContextFull: v.optional(onContextFullSchema, "stop"),
});

/** Checks {@link SessionChatOptions}. */
export const sessionChatSchema = object(
  {
    content: v.optional(contentSchema),
    toolResults: v.optional(
      list(object({ toolCallId: callIdSchema, content: contentSchema }), "results of calls"),
      () => [],
    ),
    toolChoice: v.optional(toolChoiceSchema),
    parallelToolCalls: v.optional(flag(), true),
    images: v.optional(list(imageInputSchema, "images"), () => []),
    onContextFull: v.optional(onContextFullSchema),
    ...chatEntries,
  },
  {
    cacheSalt: "the options of engine.session",
    adapters: "the options of engine.session",
    chatTemplate: "the options of engine.session",
    templateArguments: "the options of engine.session",
    tools: "the options of engine.session",
    reasoningEffort: "the options of engine.session",
    n: "the options of engine.chat",
    bestOf: "the options of engine.chat",
    ...ofCompletions,
  },
);

/** {@link SessionOptions} with the defaults filled in and the adapters found, without the system message. */
export type SessionSettings = Omit<v.InferOutput<typeof sessionOptionsSchema>, "system" | "adapters"> & {
  adapters: { adapter: LoraAdapter; scale: number }[];
};
