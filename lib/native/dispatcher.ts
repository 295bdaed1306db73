/**
 * Brings the engine's events to the requests they belong to. The addon holds it for as long as the engine is open, so it
 * holds no engine itself; a request that is under way holds its engine, and is held here.
 */
import type { NativeEvent, RequestId } from "./types.js";

/** Receives the events of one request. Must not throw. */
export interface EventSink {
  onEvent(event: NativeEvent): void;
}

/** The requests of one engine that are under way. */
export class Dispatcher {
  readonly #sinks = new Map<RequestId, EventSink>();

  /** How many requests are under way. */
  get size(): number {
    return this.#sinks.size;
  }

  /** Sends a request's events to `sink`. To be called in the turn of the event loop in which the id was given out. */
  register(id: RequestId, sink: EventSink): void {
    this.#sinks.set(id, sink);
  }

  /** Takes the events since the last call. */
  readonly onEvents = (events: readonly NativeEvent[]): void => {
    for (const event of events) {
      const sink = this.#sinks.get(event.id);
      if (isLast(event)) this.#sinks.delete(event.id);
      sink?.onEvent(event);
    }
  };
}

function isLast(event: NativeEvent): boolean {
  switch (event.type) {
    case "done":
    case "failed":
    case "scored":
    case "embedded":
    case "pooled":
    case "saved":
    case "counted":
    case "restored":
    case "adapterLoaded":
    case "adapterUnloaded":
      return true;
    case "encode":
    case "prefill":
    case "promptLogprobs":
    case "text":
    case "logprobs":
      return false;
  }
}
