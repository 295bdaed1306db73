import type { Generation, GenerationEvent, GenerationResult, TokenLogprobs, ToolCallEvent, Usage } from "medinfer";
import type { EventSink } from "../http/event-sink.js";
import { NumberHold } from "./number-hold.js";
import { finishReason, logprobsOf, reasoningOf, usageOf, type LogprobsShown } from "./wire.js";

/** What every chunk of a stream says. */
export interface StreamHead {
  id: string;
  model: string;
  /** Seconds since 1970. */
  created: number;
}

export interface ChatStreamOptions {
  includeUsage: boolean;
  /** Undefined: none. */
  logprobs?: LogprobsShown | undefined;
  /** Whether the text is JSON, so that its numbers are kept back until they are whole. */
  json: boolean;
}

/** One choice of a stream: what has been said of it. */
interface ChoiceState {
  opened: boolean;
  numbers: NumberHold | undefined;
  /** Drawn, and not told yet: they come before their text. */
  logprobs: TokenLogprobs[];
  /** Of calls: those that are whole are told. */
  calls: number;
}

/**
 * Writes a chat's answer as chunks: the role once in the first chunk of a choice, a call in one piece when it is whole (half a
 * call is completed to a valid one by some clients), one finish_reason for each choice, usage only where it was asked for.
 */
export class ChatStream {
  readonly #stream: EventSink;
  readonly #head: string;
  readonly #options: ChatStreamOptions;
  readonly #choices = new Map<number, ChoiceState>();

  constructor(stream: EventSink, { id, model, created }: StreamHead, options: ChatStreamOptions) {
    this.#stream = stream;
    const fields = { id, object: "chat.completion.chunk", created, model };
    this.#head = JSON.stringify(fields).slice(0, -1);
    this.#options = options;
  }

  /**
   * Writes all of it, as fast as the engine makes it and the client reads.
   *
   * @throws MedInferError (rejects) what the generation fails with; the stream is then open or not, and not ended
   */
  async write(generation: Generation): Promise<Usage> {
    let usage: Usage | undefined;
    for await (const event of generation) {
      const waiting = this.#take(event);
      if (event.type === "done") usage = event.usage;
      if (waiting !== undefined) await waiting;
    }
    if (usage === undefined) throw new Error("a generation ended without its last event");
    if (this.#options.includeUsage) {
      await this.#stream.send(`${this.#head},"choices":[],"usage":${JSON.stringify(usageOf(usage))}}`);
    }
    await this.#stream.send("[DONE]");
    this.#stream.end();
    return usage;
  }

  #take(event: GenerationEvent): Promise<void> | undefined {
    switch (event.type) {
      // Once its images and its prompt are read nothing of the request is left to refuse.
      case "prefill":
        this.#stream.open();
        return undefined;
      case "text":
        return this.#text(event.index ?? 0, event.text);
      case "reasoning":
        return this.#delta(event.index ?? 0, reasoningOf(event.text));
      case "toolCall":
        return this.#call(event);
      case "logprobs":
        this.#choice(event.index ?? 0).logprobs.push(...event.tokens);
        return undefined;
      case "choice":
        return this.#finish(event.index, event);
      case "done":
        return event.choices === undefined ? this.#finish(0, event) : this.#finishLeft(event.choices);
      case "queued":
      case "encode":
      case "promptLogprobs":
        return undefined;
    }
  }

  #text(index: number, text: string): Promise<void> | undefined {
    const { numbers } = this.#choice(index);
    const shown = numbers === undefined ? text : numbers.push(text);
    return shown === "" ? undefined : this.#delta(index, { content: shown });
  }

  #call(event: ToolCallEvent): Promise<void> | undefined {
    if (event.stage !== "end") return undefined;
    const index = event.index ?? 0;
    const choice = this.#choice(index);
    const { id, name, arguments: text } = event;
    const call = { index: choice.calls++, id, type: "function", function: { name, arguments: text } };
    return this.#delta(index, { tool_calls: [call] });
  }

  #finish(index: number, result: GenerationResult): Promise<void> | undefined {
    const choice = this.#choice(index);
    const left = choice.numbers?.flush() ?? "";
    if (left !== "" || choice.logprobs.length > 0) void this.#delta(index, left === "" ? {} : { content: left });
    return this.#delta(index, {}, finishReason(result.finishReason));
  }

  /** Choices of `bestOf`, which no event has told. */
  #finishLeft(results: readonly GenerationResult[]): Promise<void> | undefined {
    let waiting: Promise<void> | undefined;
    results.forEach((result, index) => {
      if (this.#choices.get(index)?.opened) return;
      this.#choice(index).logprobs.push(...(result.logprobs ?? []));
      void this.#delta(index, { content: result.text });
      waiting = this.#finish(index, result) ?? waiting;
    });
    return waiting;
  }

  #choice(index: number): ChoiceState {
    const known = this.#choices.get(index);
    if (known !== undefined) return known;
    const numbers = this.#options.json ? new NumberHold() : undefined;
    const choice: ChoiceState = { opened: false, numbers, logprobs: [], calls: 0 };
    this.#choices.set(index, choice);
    return choice;
  }

  #delta(index: number, delta: object, finish: string | null = null): Promise<void> | undefined {
    this.#stream.open();
    const choice = this.#choice(index);
    if (!choice.opened) {
      choice.opened = true;
      const first = { role: "assistant", content: "", refusal: null };
      void this.#stream.send(this.#chunk({ index, delta: first, logprobs: null, finish_reason: null }));
    }
    const { logprobs: shown } = this.#options;
    const told = choice.logprobs.splice(0);
    const logprobs = shown === undefined || told.length === 0 ? null : logprobsOf(told, shown);
    return this.#stream.send(this.#chunk({ index, delta, logprobs, finish_reason: finish }));
  }

  #chunk(choice: object): string {
    const usage = this.#options.includeUsage ? ',"usage":null' : "";
    return `${this.#head},"choices":[${JSON.stringify(choice)}]${usage}}`;
  }
}
