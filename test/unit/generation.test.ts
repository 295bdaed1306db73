import { describe, expect, it, vi } from "vitest";
import { MedInferError } from "../../lib/errors.js";
import { AnswerStream } from "../../lib/generation/answer-stream.js";
import { RequestGeneration } from "../../lib/generation/generation.js";
import { HIGH_WATER, LOW_WATER, RequestState } from "../../lib/generation/request-state.js";
import type { NativeEvent } from "../../lib/native/types.js";
import { compileRegex } from "../../lib/stops/compile-regex.js";
import { StopScanner } from "../../lib/stops/stop-scanner.js";
import { collect, rejection, settle, thrown } from "./support/collect.js";
import { nativeEvent, timings, usage, type NativeEventOf } from "./support/fake-addon.js";

interface Given {
  submitted?: boolean;
  signal?: AbortSignal;
  answer?: AnswerStream;
}

function start({ submitted = true, signal, answer }: Given = {}) {
  const state = new RequestState();
  const control = { cancel: vi.fn(), finish: vi.fn(), stream: vi.fn(), pause: vi.fn(), resume: vi.fn() };
  state.endOnAbort(signal);
  if (submitted) state.submitted(control, answer && [answer]);
  return {
    state,
    control,
    generation: new RequestGeneration(state),
    tell: (...events: NativeEventOf[]) => {
      for (const event of events) state.onEvent({ id: 1, ...event } as NativeEvent);
    },
  };
}

const result = (text: string) => ({
  text,
  reasoning: "",
  toolCalls: [],
  finishReason: "eos",
  stopString: "",
  usage,
  timings,
});

const drawn = (id: number, bytes: string) => ({
  ...{ id, bytes, logprobBefore: -1, logprobAfter: 0 },
  before: [{ id, bytes, logprob: -1 }],
  after: [],
});
const shown = (id: number, text: string, bytes: number[]) => ({
  ...{ id, text, bytes, logprobBefore: -1, logprobAfter: 0 },
  before: [{ id, text, bytes, logprob: -1 }],
  after: [],
});

describe("logprobs", () => {
  it("come as events, joined where nobody reads, and all of them in the result", async () => {
    const { generation, tell } = start();
    tell({ type: "logprobs", tokens: [drawn(1, "a")] }, { type: "logprobs", tokens: [drawn(2, "\xc3")] });
    tell(nativeEvent.text("a"), { type: "logprobs", tokens: [drawn(3, "\xc3\xa4")] }, nativeEvent.done());
    const tokens = [shown(1, "a", [97]), shown(2, "\ufffd", [0xc3]), shown(3, "ä", [0xc3, 0xa4])];
    const events = await collect(generation);
    expect(events.slice(1)).toEqual([
      { type: "logprobs", tokens: tokens.slice(0, 2) },
      { type: "text", text: "a" },
      { type: "logprobs", tokens: tokens.slice(2) },
      { type: "done", ...result("a"), logprobs: tokens },
    ]);
    expect((await generation.result).logprobs).toEqual(tokens);
  });

  it("are absent where none were asked for", async () => {
    const { generation, tell } = start();
    tell(nativeEvent.done());
    expect(await generation.result).not.toHaveProperty("logprobs");
  });
});

describe("a generation that is iterated", () => {
  it("yields typed events from queued to done", async () => {
    const { generation, tell } = start();
    tell({ type: "encode", seen: [], images: 2, cached: 1 }, nativeEvent.prefill(2, 4), nativeEvent.prefill(4, 4));
    tell(nativeEvent.text("He"), nativeEvent.text("llo"), nativeEvent.done());
    // Nobody read while they came: what says the same kind of thing is joined.
    expect(await collect(generation)).toEqual([
      { type: "queued" },
      { type: "encode", seen: [], images: 2, cached: 1 },
      { type: "prefill", done: 4, total: 4 },
      { type: "text", text: "Hello" },
      { type: "done", ...result("Hello"), images: [] },
    ]);
  });

  it("gives every event on its own to a reader that waits", async () => {
    const { generation, tell } = start();
    const reader = generation[Symbol.asyncIterator]();
    expect((await reader.next()).value).toEqual({ type: "queued" });
    const waiting = [reader.next(), reader.next(), reader.next()];
    tell(nativeEvent.text("a"), nativeEvent.text("b"), nativeEvent.done());
    const texts = (await Promise.all(waiting)).map(({ value }) => value?.type);
    expect(texts).toEqual(["text", "text", "done"]);
    expect(await reader.next()).toEqual({ done: true, value: undefined });
    expect(await reader.next()).toEqual({ done: true, value: undefined });
  });

  it("gives what came before an error, then the error, then nothing more", async () => {
    const { generation, tell } = start();
    const reader = generation[Symbol.asyncIterator]();
    tell(nativeEvent.text("part"), nativeEvent.failed("BACKEND_LOST", "gone", true));
    expect((await reader.next()).value).toEqual({ type: "queued" });
    expect((await reader.next()).value).toEqual({ type: "text", text: "part" });
    const error = await rejection(reader.next());
    expect(error).toBeInstanceOf(MedInferError);
    expect(error).toMatchObject({ code: "BACKEND_LOST", message: "gone", retryable: true });
    expect(await reader.next()).toEqual({ done: true, value: undefined });
  });

  it("is given out once", async () => {
    const { generation, tell } = start();
    tell(nativeEvent.done());
    await collect(generation);
    expect(thrown(() => generation[Symbol.asyncIterator]())).toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  it("ends the request when the loop is left early", async () => {
    const { generation, tell, control } = start();
    for await (const event of generation) {
      expect(event.type).toBe("queued");
      break;
    }
    expect(control.cancel).toHaveBeenCalledOnce();
    tell(nativeEvent.text("late"), nativeEvent.failed("ABORTED"));
    expect(await rejection(generation.result)).toMatchObject({ code: "ABORTED" });
  });

  it("ends nothing when the loop is left after done", async () => {
    const { generation, tell, control } = start();
    tell(nativeEvent.text("x"), nativeEvent.done());
    for await (const event of generation) if (event.type === "done") break;
    expect(control.cancel).not.toHaveBeenCalled();
    expect(await generation.result).toEqual(result("x"));
  });

  it("ends the wait of a reader that leaves in the middle of it", async () => {
    const { generation } = start();
    const reader = generation[Symbol.asyncIterator]();
    await reader.next();
    const waiting = reader.next();
    await reader.return!();
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(await reader.next()).toEqual({ done: true, value: undefined });
  });
});

describe("a generation with stop regexes and thinking tags", () => {
  const tags = { open: "<t>", close: "</t>" };
  const stopping = () => new AnswerStream(new StopScanner([compileRegex(/\n*User:/)]));

  it("asks the engine to finish at the match, and ends as one that was stopped", async () => {
    const { generation, tell, control } = start({ answer: stopping() });
    tell(nativeEvent.text("one\n"), nativeEvent.text("two\n\nUs"));
    expect(control.finish).not.toHaveBeenCalled();
    tell(nativeEvent.text("er: three"));
    expect(control.finish).toHaveBeenCalledOnce();
    tell(nativeEvent.text("User: late"), nativeEvent.done("length"));
    expect(control.finish).toHaveBeenCalledOnce();
    expect(control.cancel).not.toHaveBeenCalled();
    const expected = { ...result("one\ntwo"), finishReason: "stop", stopString: "\n\nUser:" };
    expect(await generation.result).toEqual(expected);
    expect(await collect(generation)).toEqual([
      { type: "queued" },
      { type: "text", text: "one\ntwo" },
      { type: "done", ...expected },
    ]);
  });

  it("gives what was held back where no match came", async () => {
    const { generation, tell, control } = start({ answer: stopping() });
    tell(nativeEvent.text("one\n"), nativeEvent.text("Us"), nativeEvent.done());
    expect(control.finish).not.toHaveBeenCalled();
    expect(await generation.result).toEqual(result("one\nUs"));
  });

  it("is stopped by a match that the end of the text makes", async () => {
    const { generation, tell, control } = start({ answer: new AnswerStream(new StopScanner([compileRegex(/\s+$/)])) });
    tell(nativeEvent.text("one "), nativeEvent.done());
    expect(control.finish).not.toHaveBeenCalled();
    expect(await generation.result).toMatchObject({ text: "one", finishReason: "stop", stopString: " " });
  });

  it("fails with what fails between the match and the end, an abort included", async () => {
    const lost = start({ answer: stopping() });
    lost.tell(nativeEvent.text("a User:"), nativeEvent.failed("CLOSED"));
    expect(await rejection(lost.generation.result)).toMatchObject({ code: "CLOSED" });
    const controller = new AbortController();
    const aborted = start({ answer: stopping(), signal: controller.signal });
    aborted.tell(nativeEvent.text("a User:"));
    controller.abort();
    aborted.tell(nativeEvent.done("stop"));
    expect(await rejection(aborted.generation.result)).toMatchObject({ code: "ABORTED" });
  });

  it("emits reasoning as events of its own, joined where nobody reads", async () => {
    const texts = ["<t>so ", "so</", "t> yes", " yes<t>", "well</t>"];
    const { generation, tell } = start({ answer: new AnswerStream(undefined, { tags }) });
    tell(...texts.map((text) => nativeEvent.text(text)), nativeEvent.done());
    const expected = { ...result("yes yes"), reasoning: "so so\nwell" };
    expect(await generation.result).toEqual(expected);
    expect(await collect(generation)).toEqual([
      { type: "queued" },
      { type: "reasoning", text: "so so" },
      { type: "text", text: "yes yes" },
      { type: "reasoning", text: "\nwell" },
      { type: "done", ...expected },
    ]);
  });

  it("gives a reader each piece as it comes", async () => {
    const { generation, tell } = start({ answer: new AnswerStream(undefined, { tags }) });
    const reader = generation[Symbol.asyncIterator]();
    await reader.next();
    tell(...["<t>a", "b", "</t>c", "d"].map((text) => nativeEvent.text(text)), nativeEvent.done());
    const seen: string[] = [];
    for (let next = await reader.next(); next.done !== true; next = await reader.next()) {
      if ("text" in next.value) seen.push(`${next.value.type} ${next.value.text}`);
    }
    expect(seen).toEqual(["reasoning a", "reasoning b", "text c", "text d", "done cd"]);
  });
});

describe("back-pressure", () => {
  const texts = (n: number) => Array.from({ length: n }, (_, i) => nativeEvent.text(`${i} `));

  it("pauses a request whose reader falls behind, and lets it go on", async () => {
    const { generation, tell, control } = start();
    const reader = generation[Symbol.asyncIterator]();
    tell(...texts(HIGH_WATER - 2)); // "queued" waits too
    expect(control.pause).not.toHaveBeenCalled();
    tell(nativeEvent.text("x"));
    expect(control.pause).toHaveBeenCalledOnce();
    tell(...texts(3)); // what was on the way
    expect(control.pause).toHaveBeenCalledOnce();
    while (control.resume.mock.calls.length === 0) await reader.next();
    let left = 0;
    tell(nativeEvent.done());
    while ((await reader.next()).done !== true) left++;
    expect(left).toBe(LOW_WATER + 1);
    expect(control.resume).toHaveBeenCalledOnce();
  });

  it("loses and joins nothing while a reader is slow", async () => {
    const { generation, tell } = start();
    const reader = generation[Symbol.asyncIterator]();
    await reader.next();
    tell(...texts(HIGH_WATER * 2), nativeEvent.done());
    const seen: string[] = [];
    for (let next = await reader.next(); next.done !== true; next = await reader.next()) {
      if (next.value.type === "text") seen.push(next.value.text);
    }
    expect(seen).toEqual(texts(HIGH_WATER * 2).map((event) => event.type === "text" && event.text));
  });

  it("never pauses a request that nobody iterates, and keeps few events", async () => {
    const { generation, tell, control } = start();
    tell(...texts(HIGH_WATER * 4), nativeEvent.done());
    expect(control.pause).not.toHaveBeenCalled();
    expect((await generation.result).text).toHaveLength(
      texts(HIGH_WATER * 4)
        .map((t) => (t.type === "text" ? t.text : ""))
        .join("").length,
    );
    expect((await collect(generation)).map((event) => event.type)).toEqual(["queued", "text", "done"]);
  });

  it("never stalls a caller that asks for the result, read or not", async () => {
    const { generation, tell, control } = start();
    const reader = generation[Symbol.asyncIterator]();
    await reader.next();
    tell(...texts(HIGH_WATER + 5));
    expect(control.pause).toHaveBeenCalledOnce();
    const promise = generation.result;
    expect(control.resume).toHaveBeenCalledOnce();
    tell(...texts(HIGH_WATER * 3), nativeEvent.done());
    expect(control.pause).toHaveBeenCalledOnce();
    const { text } = await promise;
    // The events that were not read still add up to the text, and are few.
    const rest: string[] = [];
    for (let next = await reader.next(); next.done !== true; next = await reader.next()) {
      if (next.value.type === "text") rest.push(next.value.text);
    }
    expect(rest.join("")).toBe(text);
    expect(rest.length).toBeLessThanOrEqual(HIGH_WATER + 6);
  });
});

describe("abort", () => {
  it("asks the engine to cancel and ends when the engine says so", async () => {
    const controller = new AbortController();
    const { generation, tell, control } = start({ signal: controller.signal });
    const promise = generation.result;
    let ended = false;
    promise.catch(() => (ended = true));
    controller.abort(new Error("enough"));
    expect(control.cancel).toHaveBeenCalledOnce();
    await settle();
    expect(ended).toBe(false);
    tell(nativeEvent.text("late"), nativeEvent.failed("ABORTED", "by the addon"));
    const error = await rejection(promise);
    expect(error).toMatchObject({ code: "ABORTED", cause: new Error("enough") });
  });

  it("rejects although the engine finished meanwhile", async () => {
    const controller = new AbortController();
    const { generation, tell } = start({ signal: controller.signal });
    tell(nativeEvent.text("all"));
    controller.abort();
    tell(nativeEvent.done());
    expect(await rejection(collect(generation))).toMatchObject({ code: "ABORTED" });
    expect(await rejection(generation.result)).toMatchObject({ code: "ABORTED" });
  });

  it("ends at once where the signal is aborted already, or the engine has nothing yet", async () => {
    const early = start({ submitted: false, signal: AbortSignal.abort() });
    expect(early.state.over).toBe(true);
    expect(await rejection(early.generation.result)).toMatchObject({ code: "ABORTED" });

    const controller = new AbortController();
    const loading = start({ submitted: false, signal: controller.signal });
    const stop = vi.fn();
    loading.state.beforeSubmit(stop);
    controller.abort();
    expect(stop).toHaveBeenCalledOnce();
    expect(await rejection(loading.generation.result)).toMatchObject({ code: "ABORTED" });
  });

  it("changes nothing after the end, and leaves no listener on the signal", async () => {
    const controller = new AbortController();
    const remove = vi.spyOn(controller.signal, "removeEventListener");
    const { generation, tell, control } = start({ signal: controller.signal });
    tell(nativeEvent.done());
    expect(remove).toHaveBeenCalledOnce();
    controller.abort();
    expect(control.cancel).not.toHaveBeenCalled();
    expect(await generation.result).toEqual(result(""));
  });
});

describe("unhandled rejections", () => {
  /** What Node would report for what `action` leaves behind. */
  async function unhandled(action: () => Promise<void>): Promise<unknown[]> {
    const reported: unknown[] = [];
    const before = process.listeners("unhandledRejection");
    process.removeAllListeners("unhandledRejection");
    process.on("unhandledRejection", (error) => reported.push(error));
    try {
      await action();
      await settle();
      await settle();
    } finally {
      process.removeAllListeners("unhandledRejection");
      for (const listener of before) process.on("unhandledRejection", listener);
    }
    return reported;
  }

  it("has none where the error came through the iteration and nobody looks at the result", async () => {
    const reported = await unhandled(async () => {
      const { generation, tell } = start();
      setImmediate(() => tell(nativeEvent.failed("CONTEXT_FULL")));
      await rejection(collect(generation));
    });
    expect(reported).toEqual([]);
  });

  it("has none where the result was taken before and is left aside", async () => {
    const reported = await unhandled(async () => {
      const { generation, tell } = start();
      void generation.result;
      setImmediate(() => tell(nativeEvent.failed("CONTEXT_FULL")));
      await rejection(collect(generation));
    });
    expect(reported).toEqual([]);
  });

  it("has none where the result is taken after and is left aside", async () => {
    const reported = await unhandled(async () => {
      const { generation, tell } = start();
      setImmediate(() => tell(nativeEvent.failed("CONTEXT_FULL")));
      await rejection(collect(generation));
      void generation.result;
    });
    expect(reported).toEqual([]);
  });

  it("has none where nobody looks at anything", async () => {
    const reported = await unhandled(async () => {
      const { tell } = start();
      tell(nativeEvent.failed("CONTEXT_FULL"));
    });
    expect(reported).toEqual([]);
  });

  it("has one where only the result was taken, and nobody handles it", async () => {
    const reported = await unhandled(async () => {
      const { generation, tell } = start();
      void generation.result;
      tell(nativeEvent.failed("CONTEXT_FULL"));
    });
    expect(reported).toMatchObject([{ code: "CONTEXT_FULL" }]);
  });
});
