import type { ServerResponse } from "node:http";
import type { EventSink } from "./event-sink.js";

/**
 * A stream that has said nothing for so long says a comment, at most 15 s after the last byte: Node's fetch gives up after 300 s,
 * Python's clients after what their user sets, proxies after 60 s or less.
 */
const QUIET_MS = 10_000;
const LOOK_MS = 5_000;

/**
 * Server-sent events, written to Node's response itself.
 *
 * A stream ends whole, by {@link end}, or broken, by {@link fail}: an event that says why, and a socket
 * that is destroyed without the last chunk. Of all the ways to end a failed answer this is the one that every client reports;
 * a clean end is taken for a whole answer by most of them.
 */
export class EventStream implements EventSink {
  readonly #response: ServerResponse;
  #timer: NodeJS.Timeout | undefined;
  #lastWrite = 0;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  get opened(): boolean {
    return this.#response.headersSent;
  }

  /** Sends the headers, and from now on a comment whenever nothing was sent for a while. */
  open(): void {
    if (this.opened) return;
    this.#response.writeHead(200, {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-cache, no-transform",
      "x-accel-buffering": "no",
    });
    this.#response.flushHeaders();
    this.#lastWrite = performance.now();
    this.#timer = setInterval(() => this.#keepAlive(), LOOK_MS);
    this.#timer.unref();
  }

  /** @param id the event's number, where the stream can be resumed behind it */
  send(data: string, event?: string, id?: number): Promise<void> | undefined {
    const head = `${id === undefined ? "" : `id: ${id}\n`}${event === undefined ? "" : `event: ${event}\n`}`;
    return this.#write(`${head}data: ${data}\n\n`);
  }

  end(): void {
    clearInterval(this.#timer);
    this.#response.end();
  }

  /** Broken off without a word: what is missing is told elsewhere. */
  abandon(): void {
    clearInterval(this.#timer);
    this.#response.destroy();
  }

  fail(body: object, event?: string, id?: number): void {
    clearInterval(this.#timer);
    const head = `${id === undefined ? "" : `id: ${id}\n`}${event === undefined ? "" : `event: ${event}\n`}`;
    // The socket goes when the event has left; one whose reader takes nothing goes all the same.
    const destroy = () => this.#response.destroy();
    const late = setTimeout(destroy, 1000).unref();
    this.#response.once("close", () => clearTimeout(late));
    this.#response.write(`${head}data: ${JSON.stringify(body)}\n\n`, destroy);
  }

  #keepAlive(): void {
    if (performance.now() - this.#lastWrite < QUIET_MS || this.#response.writableNeedDrain) return;
    void this.#write(": keep-alive\n\n");
  }

  #write(text: string): Promise<void> | undefined {
    this.#lastWrite = performance.now();
    if (this.#response.write(text) || this.#response.destroyed) return undefined;
    return drained(this.#response);
  }
}

/** Resolves when the reader has taken what was written, or is gone. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off("drain", done);
      response.off("close", done);
      resolve();
    };
    response.once("drain", done);
    response.once("close", done);
  });
}
