import type { EventSink } from "./event-sink.js";
import { EventStream } from "./event-stream.js";

/** How long a stream waits for a reader, and how long a whole one is kept. */
export const KEPT_MS = 60_000;
/** A stream whose reader is gone goes on, but not without bound. */
const MOST_BYTES = 16 * 2 ** 20;

interface KeptEvent {
  data: string;
  event: string | undefined;
}

/**
 * A stream that outlives its connection: its events are kept, numbered from 1, and a reader that comes back goes on behind
 * the last one that it has. With no reader for a minute its work is ended.
 *
 * It has one reader at a time: a new one takes the place of the one before.
 */
export class KeptStream implements EventSink {
  readonly #events: KeptEvent[] = [];
  readonly #abandoned = new AbortController();
  readonly #onForgotten: () => void;
  #bytes = 0;
  #reader: EventStream | undefined;
  #waiting: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #state: "running" | "whole" | "broken" = "running";

  /** @param onForgotten called once, when nobody can come back to it any more */
  constructor(onForgotten: () => void) {
    this.#onForgotten = onForgotten;
  }

  /** Aborted when nobody came back for it: its work has no reader any more. */
  get abandoned(): AbortSignal {
    return this.#abandoned.signal;
  }

  get opened(): boolean {
    return this.#events.length > 0 || this.#reader?.opened === true;
  }

  open(): void {
    this.#reader?.open();
  }

  /** The number of its latest event. */
  get latest(): number {
    return this.#events.length;
  }

  /** Sends a reader what comes behind event `after`, as far as it is there, and then what comes. */
  attach(reader: EventStream, after: number, onGone: (gone: () => void) => void): void {
    clearTimeout(this.#timer);
    // Not by its end, for which a reader could take it: the rest goes to another. One that has all is through already.
    if (this.#state === "running") this.#reader?.abandon();
    this.#reader = reader;
    onGone(() => this.#detach(reader));
    if (after > 0 || this.#events.length > 0) reader.open();
    this.#events.slice(after).forEach((each, i) => {
      const id = after + i + 1;
      const last = id === this.#events.length && this.#state !== "running";
      if (last && this.#state === "broken") reader.fail(JSON.parse(each.data) as object, each.event, id);
      else this.#waiting = reader.send(each.data, each.event, id);
    });
    if (this.#state === "whole") reader.end();
  }

  send(data: string, event?: string): Promise<void> | undefined {
    this.#keep(data, event);
    if (this.#reader === undefined) return undefined;
    // What was sent again to one that came back has to be read first.
    const waiting = this.#waiting;
    this.#waiting = undefined;
    return this.#reader.send(data, event, this.#events.length) ?? waiting;
  }

  end(): void {
    this.#finish("whole");
    this.#reader?.end();
  }

  fail(body: object, event?: string): void {
    this.#keep(JSON.stringify(body), event);
    this.#finish("broken");
    this.#reader?.fail(body, event, this.#events.length);
  }

  #keep(data: string, event: string | undefined): void {
    this.#events.push({ data, event });
    this.#bytes += data.length;
    if (this.#bytes > MOST_BYTES && this.#reader === undefined) this.#abandoned.abort();
  }

  #finish(state: "whole" | "broken"): void {
    this.#state = state;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#onForgotten, KEPT_MS).unref();
  }

  #detach(reader: EventStream): void {
    if (this.#reader !== reader) return;
    this.#reader = undefined;
    if (this.#state !== "running") return;
    this.#timer = setTimeout(() => {
      this.#abandoned.abort();
      this.#onForgotten();
    }, KEPT_MS).unref();
  }
}
