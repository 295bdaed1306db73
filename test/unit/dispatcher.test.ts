import { describe, expect, it } from "vitest";
import { NO_STATE, type NativeEvent } from "../../lib/native/types.js";
import { Dispatcher } from "../../lib/native/dispatcher.js";
import { nativeError, timings, usage } from "./support/fake-addon.js";

function recorder() {
  const events: NativeEvent[] = [];
  return { events, onEvent: (event: NativeEvent) => void events.push(event) };
}

const done = (id: number): NativeEvent => ({
  id,
  type: "done",
  finishReason: "eos",
  stopString: "",
  stopToken: -1,
  usage,
  timings,
  logprobSum: 0,
  drawn: 0,
  state: NO_STATE,
});

describe("Dispatcher", () => {
  it("brings each event of a step to its request, in order", () => {
    const dispatcher = new Dispatcher();
    const [one, two] = [recorder(), recorder()];
    dispatcher.register(1, one);
    dispatcher.register(2, two);
    dispatcher.onEvents([
      { id: 1, type: "text", text: "a" },
      { id: 2, type: "text", text: "b" },
      { id: 1, type: "text", text: "c" },
    ]);
    expect(one.events.map((event) => event.type === "text" && event.text)).toEqual(["a", "c"]);
    expect(two.events.map((event) => event.type === "text" && event.text)).toEqual(["b"]);
  });

  it("forgets a request after its last event", () => {
    const dispatcher = new Dispatcher();
    const last: NativeEvent[] = [
      done(1),
      { id: 2, type: "failed", error: nativeError("ABORTED") },
      { id: 3, type: "embedded", values: new Float32Array(), tokens: 0, width: 0, cached: false },
    ];
    const sinks = last.map((event) => {
      const sink = recorder();
      dispatcher.register(event.id, sink);
      return sink;
    });
    expect(dispatcher.size).toBe(3);
    dispatcher.onEvents(last);
    expect(dispatcher.size).toBe(0);
    dispatcher.onEvents(last);
    expect(sinks.map((sink) => sink.events.length)).toEqual([1, 1, 1]);
  });

  it("ignores events of requests it does not know", () => {
    expect(() => new Dispatcher().onEvents([done(7)])).not.toThrow();
  });

  it("works as a bare function: the addon holds nothing else", () => {
    const dispatcher = new Dispatcher();
    const sink = recorder();
    dispatcher.register(1, sink);
    const { onEvents } = dispatcher;
    onEvents([done(1)]);
    expect(sink.events).toHaveLength(1);
  });
});
