/** Texts on their way through an engine, and what is made of their rows. */
import { beforeEach, describe, expect, it, vi } from "vitest";
import { Engine } from "../../lib/engine.js";
import { shapeRow } from "../../lib/embed/row.js";
import { collect, rejection, settle, thrown } from "./support/collect.js";
import { nativeError, nativeEvent, type FakeAddon, type NativeEventOf } from "./support/fake-addon.js";
import { useFakeAddon } from "./support/fake-binding.js";

vi.mock("../../lib/native/addon.js", () => import("./support/fake-binding.js"));

let addon: FakeAddon;
let engine: Engine;
beforeEach(async () => {
  addon = useFakeAddon();
  engine = await Engine.load({ task: "embed" });
});

const pooled = (values: number[], changes: object = {}): NativeEventOf =>
  ({ type: "pooled", values: Float32Array.from(values), tokens: 3, cached: 1, cut: 0, ...changes }) as NativeEventOf;

/** Answers each text that comes, in the order of coming; its row begins with its length. */
async function answerAll(each: (text: string) => NativeEventOf = (text) => pooled([text.length, 0, 0, 1])) {
  let quiet = 0;
  while (quiet < 20) {
    const [next] = addon.engine.texts;
    if (next === undefined) {
      quiet++;
    } else {
      quiet = 0;
      addon.engine.texts.delete(next[0]);
      addon.engine.emit(next[0], each(next[1].text));
    }
    await settle();
  }
}

describe("loading for a task", () => {
  it("tells the addon, and has a batch that suits", async () => {
    expect(addon.loads.at(-1)).toMatchObject({ task: "embed", pooling: "auto", batchSize: 64, mmprojPath: "" });
    await Engine.load({ task: "rerank", batchSize: 7 });
    expect(addon.loads.at(-1)).toMatchObject({ task: "rerank", batchSize: 7 });
    await Engine.load();
    expect(addon.loads.at(-1)).toMatchObject({ task: "generate", batchSize: 4 });
  });

  it.each([
    ["a pooling where nothing is pooled", { pooling: "mean" }, "pooling"],
    ["a pooling of a reranker", { task: "rerank", pooling: "cls" }, "pooling"],
    ["a projector for texts", { task: "embed", mmproj: "some.gguf" }, "mmproj"],
    ["adapters, which no text that is embedded has", { task: "embed", adapters: ["a.gguf"] }, "adapters"],
    ["an unknown task", { task: "chat" }, "task"],
    ["an unknown pooling", { task: "embed", pooling: "none" }, "pooling"],
  ])("refuses %s", async (_, options, path) => {
    expect(await rejection(Engine.load(options as never))).toMatchObject({
      code: "INVALID_ARGUMENT",
      issues: [{ path }],
    });
  });
});

describe("embed", () => {
  it("sends the longest texts first, and gives rows in the order of the texts", async () => {
    const texts = ["bb", "", "dddd", "a", "ccc"];
    const result = engine.embed(texts, { normalize: false, priority: 3, cacheSalt: "ward" });
    await settle();
    expect([...addon.engine.texts.values()].map(({ text }) => text)).toEqual(["dddd", "ccc", "bb", "a", ""]);
    expect([...addon.engine.texts.values()][0]).toEqual({
      text: "dddd",
      query: null,
      truncate: false,
      cacheSalt: "ward",
      priority: 3,
    });
    await answerAll();
    const { embeddings, dimensions, usage, truncated } = await result;
    expect(embeddings.map((row) => row[0])).toEqual([2, 0, 4, 1, 3]);
    expect({ dimensions, usage, truncated }).toEqual({
      dimensions: 4,
      usage: { promptTokens: 15, cachedTokens: 5 },
      truncated: [],
    });
  });

  it("takes one text, and none", async () => {
    const one = engine.embed("abc", { normalize: false });
    await answerAll();
    expect((await one).embeddings).toHaveLength(1);
    expect((await engine.embed([])).embeddings).toEqual([]);
  });

  it("says what was cut, by index", async () => {
    const result = engine.embed(["a", "bbb", "cc"], { truncate: true });
    await answerAll((text) => pooled([1, 0, 0, 0], { cut: text.length > 1 ? text.length * 10 : 0 }));
    expect((await result).truncated).toEqual([
      { index: 1, tokens: 3, cutTokens: 30 },
      { index: 2, tokens: 3, cutTokens: 20 },
    ]);
  });

  it("has some hundreds of texts in the engine, however many there are", async () => {
    const result = engine.embed(Array.from({ length: 2000 }, (_, i) => "x".repeat(i % 50)));
    await settle();
    let most = 0;
    await answerAll((text) => {
      most = Math.max(most, addon.engine.texts.size + 1);
      return pooled([text.length, 0, 0, 1]);
    });
    expect((await result).embeddings).toHaveLength(2000);
    expect(most).toBe(256);
  });

  it("names the text that fails, and ends the others", async () => {
    const result = rejection(engine.embed(["a", "bb", "ccc"]));
    await settle();
    const [ccc, bb, a] = [...addon.engine.texts.keys()];
    addon.engine.emit(ccc!, pooled([1, 1, 1, 1]));
    addon.engine.emit(bb!, nativeEvent.failed("CONTEXT_FULL", "the text is long"));
    expect(await result).toMatchObject({ code: "CONTEXT_FULL", message: "engine.embed: texts[1]: the text is long" });
    await settle();
    expect(addon.engine.calls).toContain(`cancel ${a!}`);
  });

  it("waits where the queue is full", async () => {
    addon.engine.refusal = nativeError("QUEUE_FULL", "full", true);
    const result = engine.embed(["a"]);
    await settle();
    addon.engine.refusal = undefined;
    await vi.waitFor(() => expect(addon.engine.texts.size).toBe(1));
    await answerAll();
    expect((await result).embeddings).toHaveLength(1);
  });

  it("waits with hundreds of texts and no warning", async () => {
    const warnings: Error[] = [];
    const listen = (warning: Error) => warnings.push(warning);
    process.on("warning", listen);
    addon.engine.refusal = nativeError("QUEUE_FULL", "full", true);
    const controller = new AbortController();
    const result = rejection(engine.embed(Array<string>(200).fill("a"), { signal: controller.signal }));
    for (let i = 0; i < 20; i++) await settle();
    controller.abort();
    expect(await result).toMatchObject({ code: "ABORTED" });
    process.off("warning", listen);
    expect(warnings).toEqual([]);
  });

  it("ends with its signal", async () => {
    const controller = new AbortController();
    const result = rejection(engine.embed(["a", "b"], { signal: controller.signal }));
    await settle();
    controller.abort("enough");
    for (const id of addon.engine.texts.keys()) addon.engine.emit(id, nativeEvent.failed("ABORTED"));
    expect(await result).toMatchObject({ code: "ABORTED", cause: "enough" });
    expect(addon.engine.calls.filter((call) => call.startsWith("cancel"))).toHaveLength(2);
    expect(await rejection(engine.embed("a", { signal: controller.signal }))).toMatchObject({ code: "ABORTED" });
  });

  it.each([
    ["a text that is none", ["a", 5], {}, "[1]"],
    ["a number for the texts", 5, {}, ""],
    ["more dimensions than there are", "a", { dimensions: 5 }, "dimensions"],
    ["no dimension", "a", { dimensions: 0 }, "dimensions"],
    ["an unknown option", "a", { normalise: true }, "normalise"],
    ["a salt that is too long", "a", { cacheSalt: "x".repeat(257) }, "cacheSalt"],
  ])("refuses %s", async (_, texts, options, path) => {
    expect(await rejection(engine.embed(texts as never, options as never))).toMatchObject({
      code: "INVALID_ARGUMENT",
      issues: [{ path }],
    });
    expect(addon.engine.texts.size).toBe(0);
  });
});

describe("embedStream", () => {
  it("gives rows in the order of the texts, and takes no more than it can use", async () => {
    let taken = 0;
    async function* source() {
      for (; taken < 5000; taken++) {
        await Promise.resolve();
        yield "x".repeat(taken % 9);
      }
    }
    const rows = engine.embedStream(source(), { normalize: false });
    const answering = answerAll();
    for (let i = 0; i < 20; i++) {
      const { value } = (await rows.next()) as { value: { index: number; embedding: Float32Array } };
      expect([value.index, value.embedding[0]]).toEqual([i, i % 9]);
    }
    await answering;
    expect(taken).toBeLessThanOrEqual(20 + 1024 + 1);
    await rows.return?.();
  });

  it.each([
    ["ABORTED", "its signal"],
    ["CLOSED", "the engine"],
  ])("ends with %s with %s, also while its source is busy", async (code) => {
    let closed = false;
    async function* source() {
      try {
        yield "a";
        await new Promise(() => {}); // never
      } finally {
        closed = true;
      }
    }
    const controller = new AbortController();
    const all = rejection(collect(engine.embedStream(source(), { signal: controller.signal })));
    await answerAll();
    if (code === "ABORTED") controller.abort("enough");
    else await engine.close();
    expect(await all).toMatchObject({ code, ...(code === "ABORTED" ? { cause: "enough" } : {}) });
    expect(closed).toBe(false); // it is asked to end, and not waited for
  });

  it("says that the engine is closed, whatever its source does", async () => {
    await engine.close();
    const never: AsyncIterable<string> = {
      [Symbol.asyncIterator]: () => ({ next: () => new Promise<IteratorResult<string>>(() => {}) }),
    };
    expect(await rejection(collect(engine.embedStream(never)))).toMatchObject({ code: "CLOSED" });
    expect(await rejection(engine.embed([]))).toMatchObject({ code: "CLOSED" });
  });

  it("ends with an error of its source, and refuses what is no source", async () => {
    function* source() {
      yield "a";
      throw new Error("the disk is gone");
    }
    const all = rejection(collect(engine.embedStream(source())));
    await answerAll();
    expect(await all).toMatchObject({ message: "the disk is gone" });
    expect(await rejection(collect(engine.embedStream("text" as never)))).toMatchObject({ code: "INVALID_ARGUMENT" });
    const wrong = rejection(collect(engine.embedStream([5 as never])));
    expect(await wrong).toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining("texts[0]") as string,
    });
  });
});

describe("rerank", () => {
  it("gives documents by score, equal ones in their order", async () => {
    addon.info = { nRow: 1 } as never;
    const reranker = await Engine.load({ task: "rerank" });
    const result = reranker.rerank("q", ["b", "aaa", "cc", "d"]);
    await settle();
    expect([...addon.engine.texts.values()].map(({ query }) => query)).toEqual(["q", "q", "q", "q"]);
    await answerAll((text) => pooled([text.length]));
    expect((await result).results).toEqual([
      { index: 1, score: 3 },
      { index: 2, score: 2 },
      { index: 0, score: 1 },
      { index: 3, score: 1 },
    ]);
    const best = reranker.rerank("q", ["b", "x".repeat(900), "y".repeat(901)], { topN: 2, normalize: true });
    await answerAll((text) => pooled([text.length]));
    expect((await best).results).toEqual([
      { index: 2, score: 1 },
      { index: 1, score: 1 },
    ]);
  });

  it("takes the label yes for the score, or the first", async () => {
    for (const [labels, score] of [
      [["no", "yes"], 0.75],
      [["good", "bad"], 0.25],
    ] as const) {
      addon.info = { nRow: 2, labels } as never;
      const reranker = await Engine.load({ task: "rerank" });
      const result = reranker.rerank("q", ["a"]);
      await answerAll(() => pooled([0.25, 0.75]));
      expect((await result).results).toEqual([{ index: 0, score, labels: { [labels[0]]: 0.25, [labels[1]]: 0.75 } }]);
    }
  });
});

describe("calls of another task", () => {
  const wrong = { code: "WRONG_TASK" };

  it("are refused", async () => {
    expect(await rejection(engine.rerank("q", ["a"]))).toMatchObject(wrong);
    expect(await rejection(engine.chat({ messages: [{ role: "user", content: "a" }] }).result)).toMatchObject(wrong);
    expect(await rejection(engine.complete({ prompt: "a" }).result)).toMatchObject(wrong);
    expect(await rejection(engine.restoreSession("file"))).toMatchObject(wrong);
    expect(await rejection(collect(engine.annotate([{ prompt: "a" }])))).toMatchObject(wrong);
    expect(thrown(() => engine.session())).toMatchObject(wrong);
    expect(await rejection(engine.score({ prompt: "a", candidates: ["b"] }))).toMatchObject(wrong);
    expect(await rejection(engine.embedImage("image.png"))).toMatchObject(wrong);
    expect(await rejection(engine.loadAdapter("adapter.gguf"))).toMatchObject(wrong);
    const generator = await Engine.load();
    expect(await rejection(generator.embed("a"))).toMatchObject(wrong);
    expect(await rejection(collect(generator.embedStream(["a"])))).toMatchObject(wrong);
    expect(await rejection(generator.rerank("q", ["a"]))).toMatchObject(wrong);
  });
});

describe("shapeRow", () => {
  it("cuts and scales, and leaves zeros", () => {
    const row = Float32Array.of(3, 4, 12);
    expect(shapeRow(row.slice(), 3, false)).toEqual(row);
    expect([...shapeRow(row.slice(), 2, true)].map((value) => value.toFixed(4))).toEqual(["0.6000", "0.8000"]);
    expect(shapeRow(new Float32Array(3), 3, true)).toEqual(new Float32Array(3));
    const tiny = shapeRow(Float32Array.of(1e-30, 1e-30), 2, true);
    expect(tiny[0]).toBeCloseTo(Math.SQRT1_2, 5);
  });
});
