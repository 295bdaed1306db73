import type { GenerationResult, MadeToolCall, TokenLogprobs, Usage } from "medinfer";
import type { AnswerWriter, Waiting } from "../generate/answer-writer.js";
import type { LogprobsShown } from "../generate/logprobs-shown.js";
import { reasoningOf } from "../generate/reasoning.js";
import type { StreamHead } from "../generate/stream-head.js";
import { finishReason, usageOf } from "../generate/usage.js";
import type { EventSink } from "../http/event-sink.js";
import { logprobsOf, toolCallOf } from "./wire.js";

export interface ChatStreamOptions {
  includeUsage: boolean;
  /** Undefined: none. */
  logprobs?: LogprobsShown | undefined;
}

/**
 * A chat's answer as chunks: the role once in the first chunk of a choice, a call in one piece when it is whole (half a call
 * is completed to a valid one by some clients), one finish_reason for each choice, usage only where it was asked for.
 */
export class ChatStream implements AnswerWriter {
  readonly #stream: EventSink;
  readonly #head: string;
  readonly #options: ChatStreamOptions;
  /** By the index of a choice that has been opened: how many calls have been told of it. */
  readonly #calls = new Map<number, number>();

  constructor(stream: EventSink, { id, model, created }: StreamHead, options: ChatStreamOptions) {
    this.#stream = stream;
    const fields = { id, object: "chat.completion.chunk", created, model };
    this.#head = JSON.stringify(fields).slice(0, -1);
    this.#options = options;
  }

  open(): void {
    this.#stream.open();
  }

  text(index: number, text: string, tokens: readonly TokenLogprobs[]): Waiting {
    if (text !== "" && tokens.length === 0) return this.#content(index, text);
    return this.#delta(index, text === "" ? {} : { content: text }, tokens);
  }

  reasoning(index: number, text: string, tokens: readonly TokenLogprobs[]): Waiting {
    return this.#delta(index, reasoningOf(text), tokens);
  }

  call(index: number, call: MadeToolCall, tokens: readonly TokenLogprobs[]): Waiting {
    this.#openChoice(index);
    const place = this.#calls.get(index)!;
    this.#calls.set(index, place + 1);
    return this.#delta(index, { tool_calls: [{ index: place, ...toolCallOf(call) }] }, tokens);
  }

  finish(index: number, result: GenerationResult): Waiting {
    return this.#delta(index, {}, [], finishReason(result.finishReason));
  }

  /** All choices are told. */
  async end(usage: Usage): Promise<void> {
    if (this.#options.includeUsage) {
      await this.#stream.send(`${this.#head},"choices":[],"usage":${JSON.stringify(usageOf(usage))}}`);
    }
    await this.#stream.send("[DONE]");
    this.#stream.end();
  }

  #openChoice(index: number): void {
    if (this.#calls.has(index)) return;
    this.#calls.set(index, 0);
    const first = { role: "assistant", content: "", refusal: null };
    void this.#stream.send(this.#chunk({ index, delta: first, logprobs: null, finish_reason: null }));
  }

  /** Most chunks are a token and nothing else: that much of JSON is quicker written than serialised. */
  #content(index: number, text: string): Waiting {
    this.#openChoice(index);
    const delta = `{"content":${JSON.stringify(text)}}`;
    return this.#stream.send(this.#chunkOf(`{"index":${index},"delta":${delta},"logprobs":null,"finish_reason":null}`));
  }

  #delta(index: number, delta: object, tokens: readonly TokenLogprobs[], finish: string | null = null): Waiting {
    this.#openChoice(index);
    const { logprobs: shown } = this.#options;
    const logprobs = shown === undefined || tokens.length === 0 ? null : logprobsOf(tokens, shown);
    return this.#stream.send(this.#chunk({ index, delta, logprobs, finish_reason: finish }));
  }

  #chunk(choice: object): string {
    return this.#chunkOf(JSON.stringify(choice));
  }

  #chunkOf(choice: string): string {
    return `${this.#head},"choices":[${choice}]${this.#options.includeUsage ? ',"usage":null' : ""}}`;
  }
}
