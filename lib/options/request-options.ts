/** What a request takes: engine.chat, engine.complete and every row of engine.annotate. */
import * as v from "valibot";
import { contentSchema, imageSchema, messagesSchema } from "../chat/schema.js";
import type { ChatMessage, Content } from "../chat/types.js";
import type { ImageSource } from "../images/load.js";
import { samplingKeys, samplingSchema } from "../sampling/schema.js";
import type { Sampling } from "../sampling/types.js";
import { flag, integer, list, notYet, object, signal, text } from "../validation/fields.js";

/** Options that every request has. All are optional. */
export interface GenerationOptions {
  /** What shapes the distribution that tokens are drawn from. */
  sampling?: Sampling;
  /** Generation ends before the earliest of these texts. At most 64. Default none. */
  stopStrings?: readonly string[];
  /** Most tokens to generate; -1: until the model ends its turn or the context is full. Default -1. */
  nPredict?: number;
  /** Whether the model is kept from ending its turn. Default false. */
  ignoreEos?: boolean;
  /** Higher runs first; equal priorities run in order of arrival. From -1000 to 1000. Default 0. */
  priority?: number;
  /** Aborting it ends the request with `ABORTED`, within one forward pass. */
  signal?: AbortSignal;

  /**
   * How many of the most likely tokens are told beside each drawn one, before and after the sampling chain, in the
   * result's `logprobs` and in events. From 0 to 100; 0: none, at no cost. Default 0.
   */
  nProbs?: number;
  /**
   * Tokens kept when the context overflows: only 0 is taken, because here nothing is ever dropped from a context. A
   * request whose context is full ends with `"context"`.
   */
  nKeep?: 0;
  /** A GBNF grammar: not implemented yet, leave it out. */
  grammar?: undefined;
  /** A JSON schema for the answer: not implemented yet, leave it out. */
  jsonSchema?: undefined;
  /** Infill: not implemented yet, leave it out. */
  inputPrefix?: undefined;
  /** Infill: not implemented yet, leave it out. */
  inputSuffix?: undefined;
}

/** Options of {@link Engine.chat}. */
export interface ChatOptions extends GenerationOptions {
  /** The conversation. Images may stand in any message's content. */
  messages: readonly ChatMessage[];
  /** Images put before the text of the last user message, each followed by a line break. */
  images?: readonly ImageSource[];
  /** A name or a Jinja template. Default: that of the engine. */
  chatTemplate?: string;
}

/** Options of {@link Engine.complete}. */
export interface CompleteOptions extends GenerationOptions {
  /** The text to continue, as it is: no chat template is applied. Images may stand among its parts. */
  prompt: Content;
  /** Images put before the prompt, with nothing between. */
  images?: readonly ImageSource[];
  /**
   * Whether control tokens written in the prompt, such as `</s>`, are read as such. Set it to false for text that you
   * do not trust. Default true.
   */
  parseSpecial?: boolean;
  /** Whether the vocabulary's BOS token is put before the prompt, where the model asks for one. Default true. */
  addSpecial?: boolean;
}

/** The schema of {@link GenerationOptions}, entry by entry. */
export const generationEntries = {
  sampling: v.optional(samplingSchema, () => ({})),
  stopStrings: v.optional(
    v.pipe(
      list(text({ filled: true }), "texts"),
      v.check((stops) => stops.length <= 64, "must hold at most 64 texts"),
    ),
    () => [],
  ),
  nPredict: v.optional(integer(-1), -1),
  ignoreEos: v.optional(flag(), false),
  priority: v.optional(integer(-1000, 1000), 0),
  signal: v.optional(signal()),
  nProbs: v.optional(integer(0, 100), 0),
  nKeep: v.optional(
    v.custom<0>(
      (value) => value === 0,
      'must be 0: nothing is dropped from a full context, the request ends with finishReason "context"',
    ),
  ),
  grammar: notYet(),
  jsonSchema: notYet(),
  inputPrefix: notYet(),
  inputSuffix: notYet(),
};

/** Keys that a caller may put into the wrong place. */
const elsewhere = {
  ...Object.fromEntries(samplingKeys.map((key) => [key, "sampling"])),
  nCtx: "the options of Engine.load",
  batchSize: "the options of Engine.load",
  nGpuLayers: "the options of Engine.load",
};

const images = v.optional(list(imageSchema, "images"), () => []);

/** Checks {@link ChatOptions} and fills in the defaults. */
export const chatOptionsSchema = object(
  {
    messages: messagesSchema,
    images,
    chatTemplate: v.optional(text({ filled: true })),
    ...generationEntries,
  },
  elsewhere,
);

/** Checks {@link CompleteOptions} and fills in the defaults. */
export const completeOptionsSchema = object(
  {
    prompt: contentSchema,
    images,
    parseSpecial: v.optional(flag(), true),
    addSpecial: v.optional(flag(), true),
    ...generationEntries,
  },
  elsewhere,
);

export type ResolvedChatOptions = v.InferOutput<typeof chatOptionsSchema>;
export type ResolvedCompleteOptions = v.InferOutput<typeof completeOptionsSchema>;
export type ResolvedGenerationOptions = Pick<ResolvedCompleteOptions, keyof GenerationOptions>;
