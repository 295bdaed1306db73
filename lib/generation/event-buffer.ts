/** Events between the engine and the one who reads them. */
import type { MedInferError } from "../errors.js";
import type { GenerationEvent, ToolCallArgumentsEvent } from "./types.js";

interface Reader {
  resolve(result: IteratorResult<GenerationEvent, undefined>): void;
  reject(error: MedInferError): void;
}

/** Waiting events that are looked at: as many as there can be completions. */
const NEAR = 64;

function indexOf(event: GenerationEvent): number | undefined {
  return "index" in event ? event.index : undefined;
}

function isArguments(event: GenerationEvent | undefined): event is ToolCallArgumentsEvent {
  return event?.type === "toolCall" && event.stage === "arguments";
}

/**
 * A queue with one end for events and one for promises of them.
 *
 * Invariant: events wait or readers wait, never both.
 */
export class EventBuffer {
  #events: GenerationEvent[] = [];
  /** Index of the next event to read; what lies before it is read and dropped now and then. */
  #head = 0;
  readonly #readers: Reader[] = [];
  #ended = false;
  #error: MedInferError | undefined;

  /** How many events wait to be read. */
  get length(): number {
    return this.#events.length - this.#head;
  }

  /** Adds an event of its own. */
  push(event: GenerationEvent): void {
    const reader = this.#readers.shift();
    if (reader === undefined) this.#events.push(event);
    else reader.resolve({ done: false, value: event });
  }

  /**
   * Adds an event, as a part of the last one of its completion that waits where both say the same kind of thing. Those of
   * other completions between them do not matter.
   */
  merge(event: GenerationEvent): void {
    const at = this.#lastOf(indexOf(event));
    const last = this.#events[at];
    if ((last?.type === "text" || last?.type === "reasoning") && event.type === last.type) {
      this.#events[at] = { ...last, text: last.text + event.text };
    } else if (isArguments(last) && isArguments(event) && last.call === event.call) {
      this.#events[at] = { ...last, text: last.text + event.text };
    } else if (last?.type === "logprobs" && event.type === "logprobs") {
      this.#events[at] = { ...last, tokens: [...last.tokens, ...event.tokens] };
    } else if (last?.type === "promptLogprobs" && event.type === "promptLogprobs") {
      this.#events[at] = { ...last, tokens: [...last.tokens, ...event.tokens] };
    } else if (last?.type === "prefill" && event.type === "prefill") {
      this.#events[at] = event;
    } else {
      this.push(event);
    }
  }

  /** Where the last event of a completion waits; -1 where none is near. */
  #lastOf(index: number | undefined): number {
    const end = Math.max(this.#head, this.#events.length - NEAR);
    for (let i = this.#events.length - 1; i >= end; i--) if (indexOf(this.#events[i]!) === index) return i;
    return -1;
  }

  /** No event follows. What waits can still be read; then comes the error, once, where there is one. */
  end(error?: MedInferError): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    for (const reader of this.#readers.splice(0)) this.#finish(reader);
  }

  /** Nobody reads any more: drops what waits, an error included. */
  close(): void {
    this.clear();
    this.end();
    this.#error = undefined;
  }

  /** Drops the events that wait. */
  clear(): void {
    this.#events = [];
    this.#head = 0;
  }

  /** The next event. */
  next(): Promise<IteratorResult<GenerationEvent, undefined>> {
    return new Promise((resolve, reject) => {
      if (this.length > 0) resolve({ done: false, value: this.#take() });
      else if (this.#ended) this.#finish({ resolve, reject });
      else this.#readers.push({ resolve, reject });
    });
  }

  #take(): GenerationEvent {
    const event = this.#events[this.#head++]!;
    if (this.#head === this.#events.length) this.clear();
    return event;
  }

  #finish(reader: Reader): void {
    const error = this.#error;
    this.#error = undefined;
    if (error === undefined) reader.resolve({ done: true, value: undefined });
    else reader.reject(error);
  }
}
