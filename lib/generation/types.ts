/** What a request tells while it runs, and what it ends with. */

import type { TokenLogprobs } from "./logprobs.js";

/** Tokens of one request. */
export interface Usage {
  /** Tokens of the prompt, those of its images included. */
  promptTokens: number;
  /** Of them, image tokens. */
  imageTokens: number;
  /** Tokens generated, the end-of-turn token not counted. */
  completionTokens: number;
  /** Images whose embedding came from the cache. */
  imagesCached: number;
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

/**
 * Why generation ended: `"eos"`: the model ended its turn; `"stop"`: a stop string appeared; `"length"`: `nPredict`
 * tokens were generated; `"context"`: the request's context is full.
 */
export type FinishReason = "eos" | "stop" | "length" | "context";

/** A finished answer. */
export interface GenerationResult {
  /** The whole text, without the stop string. */
  text: string;
  finishReason: FinishReason;
  /** The stop string that ended it; empty unless `finishReason` is `"stop"`. */
  stopString: string;
  usage: Usage;
  timings: Timings;
  /**
   * One entry for each token that was drawn, the end-of-turn token that ended the answer and those of a stop string
   * included. Undefined unless `nProbs` asks for them.
   */
  logprobs?: TokenLogprobs[];
}

/** The request is in the engine's queue. */
export interface QueuedEvent {
  type: "queued";
}

/** All images of the prompt are encoded. */
export interface EncodeEvent {
  type: "encode";
  /** How many images the prompt holds. */
  images: number;
  /** How many of them came from the cache. */
  cached: number;
}

/** The model has read a part of the prompt. */
export interface PrefillEvent {
  type: "prefill";
  /** Tokens read so far. */
  done: number;
  /** Tokens of the prompt. */
  total: number;
}

/** More of the answer: whole characters, never a part of a stop string. */
export interface TextEvent {
  type: "text";
  text: string;
}

/**
 * Tokens that were drawn, where `nProbs` asks for them. They come before their text, which waits for whole characters and
 * for what could become a stop string.
 */
export interface LogprobsEvent {
  type: "logprobs";
  tokens: TokenLogprobs[];
}

/** The answer is complete. Always the last event. */
export interface DoneEvent extends GenerationResult {
  type: "done";
}

/** What a {@link Generation} yields, told apart by `type`. */
export type GenerationEvent = QueuedEvent | EncodeEvent | PrefillEvent | TextEvent | LogprobsEvent | DoneEvent;

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
export interface Generation extends AsyncIterable<GenerationEvent> {
  /**
   * The finished answer. Rejects with a {@link MedInferError}, e.g. `INVALID_ARGUMENT`, `CONTEXT_FULL`, `QUEUE_FULL`,
   * `IMAGE_DECODE`, `ABORTED` or `CLOSED`.
   */
  readonly result: Promise<GenerationResult>;
  /**
   * The events, from the first: what came before the call has been kept, with texts joined. They are given out once; a
   * second call throws `INVALID_ARGUMENT`.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<GenerationEvent, undefined>;
}
