/** Events between the engine and the one who reads them. */
import type { MedInferError } from "../errors.js";
import type { GenerationEvent } from "./types.js";

interface Reader {
  resolve(result: IteratorResult<GenerationEvent, undefined>): void;
  reject(error: MedInferError): void;
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

  /** Adds an event, as a part of the last one that waits where both say the same kind of thing. */
  merge(event: GenerationEvent): void {
    const last = this.length > 0 ? this.#events.at(-1) : undefined;
    if ((last?.type === "text" || last?.type === "reasoning") && event.type === last.type) {
      this.#events[this.#events.length - 1] = { type: last.type, text: last.text + event.text };
    } else if (last?.type === "logprobs" && event.type === "logprobs") {
      this.#events[this.#events.length - 1] = { type: "logprobs", tokens: [...last.tokens, ...event.tokens] };
    } else if (last?.type === "prefill" && event.type === "prefill") {
      this.#events[this.#events.length - 1] = event;
    } else {
      this.push(event);
    }
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
