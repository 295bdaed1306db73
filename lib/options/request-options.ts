/** What a request takes: engine.chat, engine.complete and every row of engine.annotate. */
import { Buffer } from "node:buffer";
import { types } from "node:util";
import * as v from "valibot";
import { adapterUsesSchema, type AdapterUse } from "../adapters/options.js";
import { contentSchema, imageInputSchema, messagesSchema, renderingEntries } from "../chat/schema.js";
import type {
  ChatMessage,
  Content,
  FunctionTool,
  ImageInput,
  ReasoningEffort,
  TemplateArguments,
  Tool,
} from "../chat/types.js";
import type { ThinkingTags } from "../generation/types.js";
import { samplingKeys, samplingSchema } from "../sampling/schema.js";
import type { Sampling } from "../sampling/types.js";
import type { JsonSchema } from "../schema/types.js";
import { toolChoiceSchema, type ToolChoice } from "../tools/tool-choice.js";
import { any, flag, integer, list, object, oneOf, signal, text } from "../validation/fields.js";
import { toJsonSchema } from "../validation/json-schema.js";
import { stopRegexesSchema, thinkingTagsSchema } from "./text-options.js";

/** Options that every request has. All are optional. */
export interface GenerationOptions {
  /** What shapes the distribution that tokens are drawn from. */
  sampling?: Sampling;
  /** Generation ends before the earliest of these texts. At most 64, of at most 1000 characters each. Default none. */
  stopStrings?: readonly string[];
  /**
   * Generation ends before what one of these regular expressions matches; a string is read as `new RegExp(string)`. At
   * most 16. Default none.
   *
   * They are looked for in the text as the model writes it, together with the stop strings and before `thinkingTags`: of
   * all, the match that begins first wins, however the text was cut into tokens. Text that may still become a part of a
   * match is held back until it cannot: `/a[^]*b/` holds everything from the first `a`. The time is linear in the text,
   * whatever the pattern; but the text has to come as it is generated, also where only the result is awaited.
   *
   * Refused are: lookahead, lookbehind, backreferences, the flags `g` and `y`, flags changed inside a group, classes of
   * several characters (`\q{}`), patterns that match the empty text, and very large ones. `$` without the flag `m` matches
   * where the model ends.
   */
  stopRegexes?: readonly (RegExp | string)[];
  /**
   * Tells the model's reasoning from its answer: text between the tags comes as `reasoning` events and in
   * `result.reasoning`, the rest as `text`. A block that is not closed is reasoning to its end; inside a block, an opening
   * tag is text. White space directly behind a tag is dropped; several blocks are put on lines of their own. Stops act on
   * reasoning and answer alike. A tag may be a control token of the vocabulary. False: everything is `text`. Default: with a
   * Jinja chat template what that says of reasoning, and false otherwise.
   *
   * Beside `grammar`, `jsonSchema` or tools that may be called: reasoning is free, what follows its end is the answer, and in it no tag counts. There is
   * at most one block, at the very beginning; the turn cannot end inside it.
   */
  thinkingTags?: ThinkingTags | false;
  /**
   * Most tokens of reasoning, the tags not counted: behind them the closing tag is forced, and the model answers. Of one
   * block, the first. Needs tags that are known, from `thinkingTags` or from the chat template. From 0 up. Default: as many
   * as the model wants.
   */
  thinkingBudget?: number;
  /** Most tokens to generate; -1: until the model ends its turn or the context is full. Default -1. */
  nPredict?: number;
  /** Whether the model is kept from ending its turn. Default false. */
  ignoreEos?: boolean;
  /**
   * The model can neither end its turn nor draw one of `stopTokenIds` before so many tokens; stop texts count from the
   * first. An answer whose form is complete ends all the same. At most `nPredict`. Default 0.
   */
  minTokens?: number;
  /**
   * Generation ends where one of these tokens is drawn, which is no part of the answer; the result's `stopTokenId` names it.
   * At most 1024. Default none.
   */
  stopTokenIds?: readonly number[] | Int32Array;
  /**
   * Milliseconds from the call after which the answer ends as it is, with the finish reason `"time"`: within one forward
   * pass, also while it waits, and while its images are loaded. Default: no limit.
   */
  timeLimitMs?: number;
  /**
   * Most tokens that are proposed ahead of the model and looked at in one forward pass: what a grammar or schema leaves no
   * choice about, and what followed the same words in the prompt, in the answer, in `expectedText` or in earlier answers of the
   * same form. Each is kept only where the model draws it itself, so the text is the same; how many are tried follows from how
   * often they are right and what they cost. From 0, none, to 32. Default 16.
   */
  maxDraftTokens?: number;
  /**
   * A text that the answer is expected to repeat in parts, such as the page that it is read from or the draft that it revises:
   * its words are proposed ahead of the model, see `maxDraftTokens`. It is no part of the prompt. The first 256 KiB, as UTF-8,
   * are looked at. Default `""`.
   */
  expectedText?: string;
  /** Higher runs first; equal priorities run in order of arrival. From -1000 to 1000. Default 0. */
  priority?: number;
  /**
   * What is computed for a prompt is used again only by requests with an equal salt: give each tenant one of its own. Who
   * shares a salt can learn from timings whether somebody had the same prompt. At most 256 bytes. Default `""`.
   */
  cacheSalt?: string;
  /**
   * LoRA adapters that the engine has loaded, by themselves or by name, each with its scale; what they add is summed up. Other
   * requests are not touched, and what is computed with them is used again only with the same adapters and scales. At most
   * 16, each once. Default none.
   */
  adapters?: readonly AdapterUse[];
  /**
   * A grammar in GBNF that the answer follows, from its rule `root` on. A literal that spells a control token, such as
   * `"[TOOL]"`, may come as that token, and is emitted as text. At most 4 MiB. Default none.
   */
  grammar?: string;
  /**
   * A JSON schema that the answer satisfies; its value is the result's `parsed`. What no grammar keeps is refused by
   * name. Not beside `grammar`. Default none.
   */
  jsonSchema?: JsonSchema;
  /**
   * An answer of `jsonSchema` or `grammar` is brought to its shortest end before `nPredict` or the context would cut it: its
   * text is valid, its finish reason is still `"length"` or `"context"`, and it has no `parsed`. What the model had not come to
   * holds the least that the form allows (`""`, `0`, the first of an enum), and is nothing that the model said. Fails with
   * `INVALID_ARGUMENT`, or `CONTEXT_FULL` where it is the context, if not even the shortest answer is sure to fit. An answer
   * that may call tools is not closed: a call that is cut is none. Default false.
   */
  closeAtLimit?: boolean;
  /** Aborting it ends the request with `ABORTED`, within one forward pass. */
  signal?: AbortSignal;

  /**
   * How many of the most likely tokens are given beside each drawn one, before and after the sampling chain, in the
   * result's `logprobs` and in events. From 0 to 100; 0: none, at no cost. Default 0.
   */
  nProbs?: number;
  /**
   * Whether the prompt's own tokens have their logprobs, each given those before it, in the result's `promptLogprobs` and in
   * events; a number, from 0 to 100: with so many of the most likely tokens in their places. All of the prompt is computed
   * for it, whatever the prefix cache has, in passes of at most 64 tokens. Default false.
   */
  promptLogprobs?: boolean | number;
  /**
   * Tokens kept when the context overflows: only 0 is taken, because here no token is ever dropped from a context. A
   * request whose context is full ends with `"context"`; whole turns of a conversation may be left out before, see
   * {@link ChatOptions.onContextFull}.
   */
  nKeep?: 0;
}

/** How many answers to one prompt. */
export interface ChoiceOptions {
  /**
   * Completions of the prompt, which is computed once for all of them. Each draws for itself: completion i with the seed
   * `sampling.seed` + i, or one of its own where there is none, so at `temperature: 0` all are equal. From 1 to 64. Default
   * 1.
   */
  n?: number;
  /**
   * Generates so many completions, and gives the `n` whose tokens the model found likeliest on average, the best first. Not
   * streamed: nobody knows which those are before the end. From `n` to 64. Default: all are given.
   */
  bestOf?: number;
}

/**
 * What becomes of a conversation that the context of a request has no room for any more. See
 * {@link ChatOptions.onContextFull}.
 */
export type OnContextFull = "stop" | "dropOldestTurns";

/** Options of {@link Engine.chat}. */
export interface ChatOptions extends GenerationOptions, ChoiceOptions {
  /** The conversation. Images may stand in any message's content. */
  messages: readonly ChatMessage[];
  /** Images put before the text of the last user message, each followed by a line break. */
  images?: readonly ImageInput[];
  /** A name or a Jinja template. Default: that of the engine. */
  chatTemplate?: string;
  /**
   * False: the contents of the messages are sent as they are, in order, with a line break between two of them; no
   * template adds roles, a system message or stop strings. Texts in them still never act as control tokens: for a prompt
   * that holds some, see {@link Engine.complete}. Default true.
   */
  useChatTemplate?: boolean;
  /**
   * Values of the chat template's own variables, e.g. `{ enable_thinking: false }` for Qwen3. A Jinja template reads
   * them by their names; one that is a function finds them in its context. Refused by name are what every template is
   * passed (`messages`, `bos_token` and the like), and what could have no effect: a variable that the template does not
   * read, and any with a template that has none, as ours and llama.cpp's built-in ones. They become the template's own
   * text: what you do not trust belongs into messages. A text that holds a control token is refused. Default none.
   */
  templateArguments?: TemplateArguments;
  /**
   * Functions that the model may call; each is described by a JSON schema. The chat template writes them as the model was
   * trained with, or else they stand as text in the system message. Calls and results of earlier turns are messages:
   * {@link ChatMessage.toolCalls}, and the role `"tool"`. At most 512, with parameters of a million characters of JSON in
   * all. Default none.
   */
  tools?: readonly (Tool | FunctionTool)[];
  /** Which of the tools the model may call, and whether it has to. See {@link ToolChoice}. Default `"auto"`. */
  toolChoice?: ToolChoice;
  /** Whether the model may make more than one call in a turn. Default true. */
  parallelToolCalls?: boolean;
  /**
   * How much the model is to think, told by the template's own variable: `reasoning_effort` or `thinking_effort` gets the
   * word as it is. Where there is a switch, `enable_thinking` or `thinking`, `"none"` turns it off and any other word on.
   * Refused where the template reads no such variable. Default: what the template does without.
   */
  reasoningEffort?: ReasoningEffort;
  /**
   * Whether the answer continues the last message, which has to be the assistant's, with a text and without calls: the
   * prompt ends with its text, and the result is what comes behind it; a `jsonSchema` and `parsed` are of both. Refused
   * where the chat template would change the text. Default false.
   */
  continueFinalMessage?: boolean;
  /**
   * What becomes of a conversation that the context has no room for.
   *
   * - `"stop"`: it fails with `CONTEXT_FULL`, and nothing is left out.
   * - `"dropOldestTurns"`: its oldest turns are left out of the prompt, whole, with their images; `droppedTurns` in the
   *   result says how many. System messages and the latest turn are kept; one that is too long by itself fails. The answer
   *   finds room for `nPredict` tokens, or for a quarter of the context where that is less or there is no limit. Turns go in
   *   blocks of a quarter of the context, so that the requests in between begin alike, for the prefix cache's sake.
   *
   * An answer that reaches the context's end itself ends with `"context"` either way. Default `"stop"`.
   */
  onContextFull?: OnContextFull;
}

/** Options of {@link Engine.complete}. */
export interface CompleteOptions extends GenerationOptions, ChoiceOptions {
  /**
   * The text to continue, as it is: no chat template is applied. Images may stand among its parts. Or its token ids, read as
   * they are, control tokens included; `addSpecial` holds for them as well. With infill it may be left out.
   */
  prompt?: Content | readonly number[] | Int32Array;
  /** Images put before the prompt, with nothing between. */
  images?: readonly ImageInput[];
  /**
   * Whether control tokens written in the prompt, such as `</s>`, are read as such. Set it to false for text that you
   * do not trust. Default true.
   */
  parseSpecial?: boolean;
  /**
   * Whether the vocabulary's BOS token is put before the prompt, where the model asks for one and the prompt does not begin
   * with it. Default true.
   */
  addSpecial?: boolean;
  /**
   * Whether the answer's text begins with that of the prompt, in the result (of every choice) and as the first `text` event.
   * An image in it is written as `<__media__>`, token ids as their text, and a BOS token that the vocabulary adds is left
   * out. It is no part of what is looked for stops, tags and `parsed`. With `nProbs`, the prompt's tokens have as many
   * `promptLogprobs`. Default false.
   */
  echo?: boolean;
  /**
   * Infill: the text before the one that is asked for. It, or `inputSuffix`, makes a completion infill: the model then
   * writes what stands between the two, and `prompt` is what that begins with. No token acts in either text. For models whose
   * vocabulary has the tokens for it (`info.infill`); others refuse it. Default, beside `inputSuffix`, `""`.
   */
  inputPrefix?: string;
  /** Infill: the text behind the one that is asked for. Default, beside `inputPrefix`, `""`. */
  inputSuffix?: string;
  /**
   * Infill: whether the suffix is read before the prefix (suffix, prefix, middle), as some models were trained. Default false:
   * prefix, suffix, middle.
   */
  suffixFirst?: boolean;
}

/** Text is held back, and looked at again with each token, for as long as it may become a stop. */
const MAX_STOP_LENGTH = 1000;

/** What a timer of Node takes: some 24 days. */
const MOST_MS = 2 ** 31 - 1;

/** Checks `cacheSalt`. */
export const cacheSaltSchema = v.optional(
  v.pipe(
    text(),
    v.check((salt) => Buffer.byteLength(salt) <= 256, "must have at most 256 bytes"),
  ),
  "",
);

// Ids become a list of the request's own, whatever becomes of the caller's.
const typedIds = v.pipe(
  any<Int32Array>(types.isInt32Array, "a string, a list of parts or token ids"),
  v.transform((ids) => Int32Array.from(ids)),
);
const listedIds = v.pipe(
  list(integer(0), "token ids"),
  v.transform((ids) => Int32Array.from(ids)),
);

/** The schema of {@link GenerationOptions}, entry by entry. */
export const generationEntries = {
  sampling: v.optional(samplingSchema, () => ({})),
  stopStrings: v.optional(
    v.pipe(
      list(text({ filled: true }), "texts"),
      v.check((stops) => stops.length <= 64, "must hold at most 64 texts"),
      v.check(
        (stops) => stops.every((stop) => stop.length <= MAX_STOP_LENGTH),
        `must hold no text of more than ${MAX_STOP_LENGTH} characters`,
      ),
    ),
    () => [],
  ),
  stopRegexes: stopRegexesSchema,
  thinkingTags: thinkingTagsSchema,
  thinkingBudget: v.optional(integer(0, 2 ** 31 - 1)),
  nPredict: v.optional(integer(-1), -1),
  ignoreEos: v.optional(flag(), false),
  minTokens: v.optional(integer(0), 0),
  stopTokenIds: v.optional(
    v.pipe(
      v.lazy((input): v.GenericSchema<readonly number[] | Int32Array, Int32Array> => {
        return types.isInt32Array(input) ? typedIds : listedIds;
      }),
      v.check((ids) => ids.length <= 1024, "must hold at most 1024 token ids"),
      v.metadata({ jsonSchema: toJsonSchema(listedIds) }),
    ),
    () => new Int32Array(),
  ),
  timeLimitMs: v.optional(integer(1, MOST_MS)),
  maxDraftTokens: v.optional(integer(0, 32), 16),
  expectedText: v.optional(text(), ""),
  priority: v.optional(integer(-1000, 1000), 0),
  cacheSalt: cacheSaltSchema,
  adapters: adapterUsesSchema,
  signal: v.optional(signal()),
  nProbs: v.optional(integer(0, 100), 0),
  promptLogprobs: v.optional(
    any<boolean | number>(
      (value) => typeof value === "boolean" || (Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 100),
      "true, false or an integer from 0 to 100",
    ),
    false,
  ),
  nKeep: v.optional(
    v.custom<0>(
      (value) => value === 0,
      'must be 0: no token is dropped from a full context, the request ends with finishReason "context"; ' +
        'a conversation can leave old turns out, with onContextFull: "dropOldestTurns"',
    ),
  ),
  grammar: v.optional(text({ filled: true })),
  jsonSchema: v.optional(
    any<JsonSchema>(
      (value) => typeof value === "object" && value !== null && !Array.isArray(value),
      "a JSON schema: an object",
    ),
  ),
  closeAtLimit: v.optional(flag(), false),
};

/** Checks {@link OnContextFull}. */
export const onContextFullSchema = oneOf(["stop", "dropOldestTurns"]);

const choiceEntries = {
  n: v.optional(integer(1, 64), 1),
  bestOf: v.optional(integer(1, 64)),
};

/** Keys of completions alone, and where they belong. */
export const ofCompletions = {
  inputPrefix: "the options of engine.complete",
  inputSuffix: "the options of engine.complete",
  suffixFirst: "the options of engine.complete",
  echo: "the options of engine.complete",
};

/** Keys that a caller may put into the wrong place. */
const elsewhere = {
  ...Object.fromEntries(samplingKeys.map((key) => [key, "sampling"])),
  nCtx: "the options of Engine.load",
  batchSize: "the options of Engine.load",
  nGpuLayers: "the options of Engine.load",
  ...ofCompletions,
};

const images = v.optional(list(imageInputSchema, "images"), () => []);

/** Checks {@link ChatOptions} and fills in the defaults. */
export const chatOptionsSchema = object(
  {
    messages: messagesSchema,
    images,
    chatTemplate: v.optional(text({ filled: true })),
    useChatTemplate: v.optional(flag(), true),
    ...renderingEntries,
    toolChoice: v.optional(toolChoiceSchema),
    parallelToolCalls: v.optional(flag(), true),
    onContextFull: v.optional(onContextFullSchema, "stop"),
    ...choiceEntries,
    ...generationEntries,
  },
  elsewhere,
);

const completionPromptSchema = v.lazy((input): v.GenericSchema<CompleteOptions["prompt"], Content | Int32Array> => {
  if (types.isTypedArray(input)) return typedIds;
  const listed = Array.isArray(input) && typeof input[0] === "number";
  return listed ? listedIds : contentSchema;
});

/** Checks {@link CompleteOptions} and fills in the defaults. */
export const completeOptionsSchema = object(
  {
    prompt: v.optional(completionPromptSchema),
    inputPrefix: v.optional(text()),
    inputSuffix: v.optional(text()),
    suffixFirst: v.optional(flag()),
    images,
    parseSpecial: v.optional(flag(), true),
    addSpecial: v.optional(flag(), true),
    echo: v.optional(flag(), false),
    ...choiceEntries,
    ...generationEntries,
  },
  elsewhere,
);

export type ResolvedChatOptions = v.InferOutput<typeof chatOptionsSchema>;
export type ResolvedCompleteOptions = v.InferOutput<typeof completeOptionsSchema>;
export type ResolvedGenerationOptions = Pick<ResolvedCompleteOptions, keyof GenerationOptions>;
