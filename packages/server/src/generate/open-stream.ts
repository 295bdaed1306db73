import { EventStream } from "../http/event-stream.js";
import type { EventSink } from "../http/event-sink.js";
import type { Call } from "../http/route.js";
import type { StreamStore } from "../http/stream-store.js";

/** Where a stream's events go, and what ends its work. */
export interface OpenedStream {
  events: EventSink;
  signal: AbortSignal;
}

/**
 * A stream to the client's connection or, where its body says `resumable`, one that outlives it.
 *
 * @param id by which the client comes back to it
 */
export function openStream(
  { body, who, outgoing, signal }: Call<{ resumable?: boolean | null | undefined }>,
  streams: StreamStore,
  id: string,
): OpenedStream {
  const reader = new EventStream(outgoing);
  if (!body.resumable) return { events: reader, signal };
  const kept = streams.open(id, who.tenant);
  kept.attach(reader, 0, (gone) => outgoing.once("close", gone));
  return { events: kept, signal: kept.abandoned };
}
