import * as v from "valibot";
import { EventStream } from "./event-stream.js";
import { Problem } from "./problem.js";
import { route, type EventForm } from "./route.js";
import type { StreamStore } from "./stream-store.js";

/**
 * GET /v1/streams/{id}: a stream that was begun with `resumable: true`, from the event behind `Last-Event-ID` on.
 *
 * @param events the forms of events that these streams have
 */
export function streamRoute(streams: StreamStore, events: readonly EventForm[]) {
  return route({
    method: "get",
    path: "/v1/streams/:id",
    summary: "Goes on with a stream whose connection was lost, behind the event that Last-Event-ID names.",
    role: "user",
    event: { data: v.union(events.map(({ data }) => data)), last: events.find(({ last }) => last !== undefined)?.last },
    handle({ params, who, incoming, outgoing }) {
      const last = incoming.headers["last-event-id"] ?? "0";
      if (typeof last !== "string" || !/^\d{1,9}$/.test(last)) throw noEvent();
      const stream = streams.find(params.id!, who.tenant);
      // Nothing is behind an event that was never sent: an empty answer would look like the end of one that is whole.
      if (Number(last) > stream.latest) throw noEvent();
      stream.attach(new EventStream(outgoing), Number(last), (gone) => outgoing.once("close", gone));
      return Promise.resolve();
    },
  });
}

function noEvent(): Problem {
  const what = "the header Last-Event-ID must be the number of an event";
  return new Problem(400, "invalid_value", what, { param: "last-event-id" });
}
