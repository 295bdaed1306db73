/** What a request tells while it runs, and what it ends with. */

import type { PromptLogprob, TokenLogprobs } from "./logprobs.js";

/** How a model marks its reasoning. */
export interface ThinkingTags {
  /** What begins it, e.g. `"<think>"`. */
  open: string;
  /** What ends it, e.g. `"</think>"`. May be the same as `open`. */
  close: string;
  /** Whether the prompt ends with the opening tag already, as some chat templates write it. Default: whether it does. */
  startsOpen?: boolean;
}

/** Tokens of one request. */
export interface Usage {
  /** Tokens of the prompt, those of its images included. */
  promptTokens: number;
  /** Of them, image tokens. */
  imageTokens: number;
  /**
   * Tokens generated, the end-of-turn token not counted. With a stop regex, also those that were drawn before the engine
   * heard of the match.
   */
  completionTokens: number;
  /** Tokens of the prompt that were not computed: an earlier request had the same beginning (see `kv.prefixCache`). */
  cachedTokens: number;
  /** Images whose embedding came from the cache. */
  imagesCached: number;
  /** Tokens that were proposed ahead of the model, see {@link GenerationOptions.maxDraftTokens}. */
  draftTokens: number;
  /** Of them, those that it drew: they took no pass of their own. */
  acceptedTokens: number;
}

/** Where the time went, in milliseconds. A phase that did not happen is 0. */
export interface Timings {
  /** Submitted to admitted, without the encoding of images. */
  queueMs: number;
  /** Images: decode, preprocess, wait for the encoder, encode. */
  encodeMs: number;
  /** Admitted to the last prompt token. */
  prefillMs: number;
  /** Submitted to the first token. */
  firstTokenMs: number;
  /** First token to last token. */
  decodeMs: number;
  /** Submitted to finished. */
  totalMs: number;
}

/** A call of a tool that the model has made, whole: its arguments are a JSON object. Goes into a message as it is. */
export interface MadeToolCall {
  /** The model's own, where its format has ids and this one is new; otherwise 9 random letters and digits. */
  id: string;
  /** The tool. */
  name: string;
  /** JSON, as the model wrote it. They follow the tool's schema, see {@link ChatOptions.tools}. */
  arguments: string;
  /** The same as a value. */
  value: Record<string, unknown>;
}

/**
 * Why generation ended: `"eos"`: the model ended its turn; `"stop"`: a stop string appeared, what a stop regex matches, or
 * one of `stopTokenIds`; `"toolCalls"`: the model ended its turn and has called tools; `"length"`: `nPredict` tokens were
 * generated; `"context"`: the request's context is full; `"time"`: `timeLimitMs` have passed.
 */
export type FinishReason = "eos" | "stop" | "toolCalls" | "length" | "context" | "time";

/** A finished answer. `T`: what the request's `jsonSchema` describes. */
export interface GenerationResult<T = unknown> {
  /**
   * The whole text, without the stop, and without the reasoning where `thinkingTags` or the chat template tell it apart;
   * with `echo`, the prompt's text before it.
   */
  text: string;
  /**
   * What the model thought, where `thinkingTags` or the chat template tell it apart, several blocks on lines of their own.
   * Empty otherwise.
   */
  reasoning: string;
  /**
   * The calls of tools that the model made, in its order. A call that was cut off, by `nPredict` for one, is none. Empty
   * without `tools`.
   */
  toolCalls: MadeToolCall[];
  finishReason: FinishReason;
  /**
   * The stop string that ended it, or the text that a stop regex matched: the shortest that does, so that it never
   * depends on how fast tokens came. Empty unless `finishReason` is `"stop"`.
   */
  stopString: string;
  /** The one of `stopTokenIds` that ended it. Undefined unless one did. */
  stopTokenId?: number;
  /**
   * The value of the answer, where the request has a `jsonSchema` and the answer is complete: `finishReason` is `"eos"`.
   * Undefined otherwise.
   */
  parsed: T | undefined;
  usage: Usage;
  timings: Timings;
  /**
   * How many of the conversation's oldest turns the model has not read, for lack of room. Undefined unless
   * `onContextFull: "dropOldestTurns"` allows it.
   */
  droppedTurns?: number;
  /** What became of each image of the prompt, in order. Undefined where it has none. */
  images?: SeenImage[];
  /**
   * One entry for each token of the prompt, in order; null for each token of an image. Undefined unless `promptLogprobs` (or
   * `echo` with `nProbs`) asks for them.
   */
  promptLogprobs?: (PromptLogprob | null)[];
  /**
   * One entry for each token that was drawn, the end-of-turn token that ended the answer and those of a stop string
   * included. Undefined unless `nProbs` asks for them.
   */
  logprobs?: TokenLogprobs[];
  /**
   * The mean logarithm of the probability of what was drawn, as the model gave it: before biases, penalties and filters.
   * Undefined unless `bestOf` asks for it.
   */
  meanLogprob?: number;
  /** Tokens of the completions that `bestOf` left out: `usage` does not count them. Undefined unless `bestOf` asks for it. */
  discardedTokens?: number;
  /**
   * All completions, the first of which has the fields above: in the order of their indices, or with `bestOf` the likeliest
   * first. Undefined unless `n` asks for several.
   */
  choices?: GenerationResult<T>[];
}

/** Which of several completions an event is about. */
export interface OfChoice {
  /** From 0 on. Undefined where the request asks for one completion alone. */
  index?: number;
}

/** What became of an image. Sizes are in pixels. */
export interface SeenImage {
  /** Of the file's picture. */
  width: number;
  height: number;
  /** Of what the encoder saw, scaled and padded; of several tiles, of the largest. */
  seenWidth: number;
  seenHeight: number;
  /** How many pictures the encoder saw of it: 1, or the tiles of a model that cuts images, an overview included. */
  tiles: number;
  /** Tokens of the prompt that are the image's. */
  tokens: number;
}

/** The request is in the engine's queue. */
export interface QueuedEvent {
  type: "queued";
}

/** All images of the prompt are encoded. */
export interface EncodeEvent extends OfChoice {
  type: "encode";
  /** How many images the prompt holds. */
  images: number;
  /** How many of them came from the cache, or were on their way there. */
  cached: number;
  /** What became of each, in order. */
  seen: SeenImage[];
}

/** The model has read a part of the prompt. Of several completions the first reads it for all that find room at once. */
export interface PrefillEvent extends OfChoice {
  type: "prefill";
  /** Tokens read so far. */
  done: number;
  /** Tokens of the prompt. */
  total: number;
}

/** More of the prompt's tokens, where `promptLogprobs` asks for them. All of them come before the first text. */
export interface PromptLogprobsEvent extends OfChoice {
  type: "promptLogprobs";
  tokens: (PromptLogprob | null)[];
}

/** More of the answer: whole characters, never a part of a stop. */
export interface TextEvent extends OfChoice {
  type: "text";
  text: string;
}

/** More of the reasoning, where `thinkingTags` or the chat template tell it apart. The tags themselves are not emitted. */
export interface ReasoningEvent extends OfChoice {
  type: "reasoning";
  text: string;
}

/** With `tools`: the model begins a call. It is none before its end has come. */
export interface ToolCallBeginEvent extends OfChoice {
  type: "toolCall";
  stage: "begin";
  /** Its place among the calls of the answer, from 0 on. */
  call: number;
  id: string;
  name: string;
}

/** More of a call's arguments, JSON. A number comes only together with what follows it. */
export interface ToolCallArgumentsEvent extends OfChoice {
  type: "toolCall";
  stage: "arguments";
  call: number;
  text: string;
}

/** A call is whole. */
export interface ToolCallEndEvent extends OfChoice, MadeToolCall {
  type: "toolCall";
  stage: "end";
  call: number;
}

/** What is told of a call while the model makes it. */
export type ToolCallEvent = ToolCallBeginEvent | ToolCallArgumentsEvent | ToolCallEndEvent;

/**
 * Tokens that were drawn, where `nProbs` asks for them. They come before their text, which waits for whole characters and
 * for what could become a stop string.
 */
export interface LogprobsEvent extends OfChoice {
  type: "logprobs";
  tokens: TokenLogprobs[];
}

/** One of several completions is complete. */
export interface ChoiceEvent<T = unknown> extends GenerationResult<T> {
  type: "choice";
  index: number;
}

/** The answer, or all of them, are complete. Always the last event. */
export interface DoneEvent<T = unknown> extends GenerationResult<T> {
  type: "done";
}

/** What a {@link Generation} yields, distinguished by `type`. */
export type GenerationEvent<T = unknown> =
  | QueuedEvent
  | EncodeEvent
  | PrefillEvent
  | PromptLogprobsEvent
  | ReasoningEvent
  | TextEvent
  | ToolCallEvent
  | LogprobsEvent
  | ChoiceEvent<T>
  | DoneEvent<T>;

/**
 * A running request. Iterate it for events as they come, await `result` for the whole answer, or both.
 *
 * - Who iterates and does not read pauses this request, and no other: its memory stays bounded.
 * - Who asks for `result` is never held up, whether events are read or not.
 * - Who asks for `result` alone pays for no events: the engine keeps them until the end.
 * - Leaving a `for await` early ends the request.
 * - Every error, that of a wrong option included, comes through the iteration and through `result`. Who iterates need not
 *   look at `result`, and the reverse.
 *
 * @example
 * const generation = engine.chat({ messages });
 * for await (const event of generation) {
 *   if (event.type === "text") process.stdout.write(event.text);
 * }
 * const { usage } = await generation.result;
 */
export interface Generation<T = unknown> extends AsyncIterable<GenerationEvent<T>> {
  /**
   * The finished answer. Rejects with a {@link MedInferError}, e.g. `INVALID_ARGUMENT`, `CONTEXT_FULL`, `QUEUE_FULL`,
   * `IMAGE_DECODE`, `ABORTED` or `CLOSED`.
   */
  readonly result: Promise<GenerationResult<T>>;
  /**
   * Ends it within one forward pass, as `timeLimitMs` would: the result is what there is by then, with its usage, and the
   * finish reason `"time"`. A signal ends it with an error instead. No effect once it is over.
   */
  finish(): void;
  /**
   * The events, from the first: what came before the call has been kept, with texts joined. They are given out once; a
   * second call throws `INVALID_ARGUMENT`.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<GenerationEvent<T>, undefined>;
}
