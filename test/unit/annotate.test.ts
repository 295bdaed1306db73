import { beforeEach, describe, expect, it, vi } from "vitest";
import type { NativeRequest } from "../../lib/native/types.js";
import { Engine } from "../../lib/engine.js";
import type { AnnotateOptions, AnnotateRow } from "../../lib/annotate/types.js";
import { collect, rejection, settle } from "./support/collect.js";
import { nativeError, nativeEvent, type FakeAddon, type FakeEngine } from "./support/fake-addon.js";
import { useFakeAddon } from "./support/fake-binding.js";

vi.mock("../../lib/native/addon.js", () => import("./support/fake-binding.js"));

let addon: FakeAddon;
let engine: Engine;
let native: FakeEngine;
beforeEach(async () => {
  addon = useFakeAddon();
  engine = await Engine.load();
  native = addon.engine;
  native.onSubmit = (id, request) => native.emit(id, nativeEvent.text(`re ${textOf(request)}`), nativeEvent.done());
});

/** The text of a request; an image is one `#`. */
function textOf(request: NativeRequest): string {
  return request.prompt.map((part) => ("text" in part ? part.text : "#")).join("");
}

const rows = (n: number) => Array.from({ length: n }, (_, i) => ({ id: `r${i}`, prompt: `p${i}` }));
const answers = (source: Iterable<AnnotateRow>, options?: AnnotateOptions) => collect(engine.annotate(source, options));

describe("engine.annotate", () => {
  it("asks each row with the system message, its images, a line break and its prompt", async () => {
    const image = new Uint8Array([1]);
    await answers([{ image, images: [image, image] }, { prompt: "own" }], { prompt: "shared", chatTemplate: "vicuna" });
    expect([...native.requests.values()].map(textOf)).toEqual([
      "You are a helpful assistant.\n\nUSER: #\n#\n#\nshared\nASSISTANT:",
      "You are a helpful assistant.\n\nUSER: own\nASSISTANT:",
    ]);
    await answers([{ prompt: "x" }], { systemPrompt: "S" });
    expect(textOf(native.requests.get(3)!)).toBe("S\n\nUSER: x\nASSISTANT:");
    await answers([{ prompt: "x" }], { systemPrompt: "" });
    expect(textOf(native.requests.get(4)!)).toBe("USER: x\nASSISTANT:");
  });

  it("passes sampling and the rest on to every row", async () => {
    await answers(rows(2), { sampling: { topK: 7 }, nPredict: 9, stopStrings: ["x"], priority: -1 });
    for (const request of native.requests.values()) {
      expect(request).toMatchObject({ sampling: { topK: 7 }, nPredict: 9, stopStrings: ["x"], priority: -1 });
    }
  });

  it("stops and divides every row's answer", async () => {
    native.onSubmit = (id) => native.emit(id, nativeEvent.text("<t>why</t>because#"), nativeEvent.done());
    const options = { stopRegexes: [/#/], thinkingTags: { open: "<t>", close: "</t>" } };
    const [result] = await answers(rows(1), options);
    expect(result).toMatchObject({ text: "because", reasoning: "why", finishReason: "stop" });
  });

  it("answers in the order of the rows, whatever ends first", async () => {
    native.onSubmit = (id) => setTimeout(() => native.emit(id, nativeEvent.done()), 10 - id);
    const given = rows(9);
    const results = await answers(given);
    expect(results.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(results.map(({ row }) => row)).toEqual(given);
    expect(results[0]).toMatchObject({ text: "", error: undefined, metadata: {}, finishReason: "eos" });
  });

  it("keeps twice the batch size under way, or as many as are asked for", async () => {
    native.onSubmit = undefined;
    const reader = engine.annotate(rows(100));
    void reader.next();
    await settle();
    expect(native.requests.size).toBe(8);
    const other = engine.annotate(rows(100), { concurrency: 3 });
    void other.next();
    await settle();
    expect(native.requests.size).toBe(11);
  });

  it("collects a row's error beside the others' answers", async () => {
    native.onSubmit = (id, request) =>
      native.emit(
        id,
        textOf(request).includes("p1") ? nativeEvent.failed("CONTEXT_FULL", "too long") : nativeEvent.done(),
      );
    const results = await answers([...rows(3), { id: "r3" }, { image: "no such file", prompt: "x" }, 5 as never]);
    expect(results.map(({ error }) => error?.code)).toEqual([
      undefined,
      "CONTEXT_FULL",
      undefined,
      "INVALID_ARGUMENT",
      "IMAGE_NOT_FOUND",
      "INVALID_ARGUMENT",
    ]);
    expect(results[1]).toMatchObject({
      text: "",
      metadata: { llamacpp_exception: "too long" },
      finishReason: undefined,
      usage: undefined,
    });
  });

  it("throws the first row's error where that is asked for, and ends the others", async () => {
    native.onSubmit = (id) => {
      if (id === 2) native.emit(id, nativeEvent.failed("IMAGE_DECODE", "damaged"));
      if (id === 1) native.emit(id, nativeEvent.done());
    };
    const seen: number[] = [];
    const error = await rejection(
      (async () => {
        for await (const { index } of engine.annotate(rows(9), { onError: "throw" })) seen.push(index);
      })(),
    );
    expect(error).toMatchObject({ code: "IMAGE_DECODE", message: "engine.annotate: rows[1]: damaged" });
    expect(seen).toEqual([0]);
    const cancelled = native.calls.filter((call) => call.startsWith("cancel"));
    expect(cancelled.length).toBe(native.requests.size - 2);
  });

  it("ends the rows under way when the loop is left", async () => {
    native.onSubmit = (id) => void (id === 1 && native.emit(id, nativeEvent.done()));
    for await (const { index } of engine.annotate(rows(20))) {
      expect(index).toBe(0);
      break;
    }
    expect(native.calls.filter((call) => call.startsWith("cancel"))).toHaveLength(native.requests.size - 1);
  });

  it("ends with ABORTED when its signal is aborted, before or in the middle", async () => {
    expect(await rejection(answers(rows(1), { signal: AbortSignal.abort() }))).toMatchObject({ code: "ABORTED" });
    expect(native.requests.size).toBe(0);
    native.onSubmit = undefined;
    const controller = new AbortController();
    const running = answers(rows(20), { signal: controller.signal });
    await settle();
    controller.abort("why");
    for (const id of native.requests.keys()) native.emit(id, nativeEvent.failed("ABORTED"));
    expect(await rejection(running)).toMatchObject({ code: "ABORTED" });
    expect(native.requests.size).toBe(8);
  });

  it("ends with its signal or the engine while the source is busy", async () => {
    async function* source() {
      yield { prompt: "a" };
      await new Promise(() => {}); // never
    }
    const controller = new AbortController();
    const aborted = rejection(collect(engine.annotate(source(), { signal: controller.signal })));
    await settle();
    controller.abort("why");
    expect(await aborted).toMatchObject({ code: "ABORTED", cause: "why" });
    const closed = rejection(collect(engine.annotate(source())));
    await settle();
    await engine.close();
    expect(await closed).toMatchObject({ code: "CLOSED" });
  });

  it("ends with CLOSED when the engine is closed: the rows left would all fail alike", async () => {
    const [closing, its] = [engine, native];
    native.onSubmit = (id) => {
      void closing.close();
      its.emit(id, nativeEvent.failed("CLOSED"));
    };
    expect(await rejection(answers(rows(20)))).toMatchObject({ code: "CLOSED" });
  });

  it("waits while requests of others fill the queue", async () => {
    native.refusal = nativeError("QUEUE_FULL", "full", true);
    setTimeout(() => (native.refusal = undefined), 60);
    const results = await answers(rows(2));
    expect(results.map(({ error }) => error)).toEqual([undefined, undefined]);
  });

  it("takes asynchronous and endless sources", async () => {
    async function* endless() {
      for (let i = 0; ; i++) yield { prompt: `p${i}`, extra: i };
    }
    const seen: number[] = [];
    for await (const { row } of engine.annotate(endless())) {
      seen.push(row.extra);
      if (seen.length === 30) break;
    }
    expect(seen).toEqual(Array.from({ length: 30 }, (_, i) => i));
    expect(native.requests.size).toBeLessThan(200);
  });

  it.each([
    [null, {}],
    [5, {}],
    [{}, {}],
    [[], { concurrency: 0 }],
    [[], { onError: "ignore" }],
    [[], { temperature: 0 }],
    [[], { prompt: "" }],
  ])("refuses rows %j with options %j", async (source, options) => {
    expect(await rejection(answers(source as never, options as never))).toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  });
});
