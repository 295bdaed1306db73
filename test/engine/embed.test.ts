/** Embeddings and scores of whole texts, against a plain llama.cpp loop that reads one text at a time. */
import fc from "fast-check";
import { Engine, type LoadOptions } from "medinfer";
import { afterEach, describe, expect, it } from "vitest";
import { plainEmbed } from "../support/plain-embed.mjs";
import { randomModel, vocabularyFile } from "../support/random-model.mjs";
import { errorOf } from "./support/engines.js";

const open: Engine[] = [];
afterEach(async () => {
  for (const engine of open.splice(0)) await engine.close();
});

async function load(model: string, options: LoadOptions = {}): Promise<Engine> {
  const engine = await Engine.load({
    model,
    device: "cpu",
    nThreads: 2,
    kv: { type: "f32" },
    task: "embed",
    ...options,
  });
  open.push(engine);
  return engine;
}

const words = ["bat", "cot", "dig", "fan", "the", "dose", "fever", "37.5", "and", "Ärzte", "x", "?!"];
/** Texts of 0 to some hundred tokens, the same for the same seed. */
function mixedTexts(count: number, seed = 1): string[] {
  let state = seed;
  const next = (below: number) => (state = (state * 48271) % 2147483647) % below;
  return Array.from({ length: count }, (_, i) => {
    const n = [0, 1, 3, 8, 30, 90][i % 6]!;
    return Array.from({ length: n }, () => words[next(words.length)]).join(" ");
  });
}

/** Far below what tells two texts apart, far above what an order of sums does to F32. */
const CLOSE = 2e-5;

function largestDifference(a: Float32Array, b: readonly number[]): number {
  expect(a.length).toBe(b.length);
  return Math.max(...b.map((value, i) => Math.abs(value - a[i]!)));
}

const unit = (row: readonly number[]) => {
  const length = Math.hypot(...row);
  return row.map((value) => (length === 0 ? 0 : value / length));
};

const embedders: [string, Record<string, string | number>][] = [
  ["bert", { pooling: "mean" }],
  ["bert", { pooling: "cls", vocab: vocabularyFile("bert-bge") }],
  ["nomic-bert", { pooling: "mean" }],
  ["jina-bert-v2", { pooling: "mean" }],
  ["modern-bert", { pooling: "cls", window: 16 }],
  ["gemma-embedding", { pooling: "mean", window: 16, layers: 7 }],
  ["qwen3", { pooling: "last" }],
  ["qwen3", { pooling: "mean" }],
];

describe.each(embedders)("%s %o", (kind, options) => {
  const model = randomModel(kind, { ctx: 512, ...options });
  const texts = mixedTexts(60);

  it.each([
    ["one at a time", { batchSize: 1 }],
    ["in passes of mixed lengths", {}],
    ["in passes of few tokens", { nUbatch: 32, batchSize: 256 }],
  ] satisfies [string, LoadOptions][])("is what a plain loop computes, %s", async (_, how) => {
    const expected = plainEmbed(
      model,
      texts.map((text) => ({ text })),
    );
    const engine = await load(model, how);
    expect(engine.info).toMatchObject({ task: "embed", pooling: options.pooling, nRow: 64, labels: [] });
    const raw = await engine.embed(texts, { normalize: false });
    const scaled = await engine.embed(texts);
    let worst = 0;
    expected.forEach(({ row }, i) => {
      worst = Math.max(worst, largestDifference(raw.embeddings[i]!, row) / Math.max(1, Math.hypot(...row) / 8));
      worst = Math.max(worst, largestDifference(scaled.embeddings[i]!, unit(row)));
    });
    expect(worst).toBeLessThan(CLOSE);
    expect(raw.usage.promptTokens).toBe(expected.reduce((sum, { tokens }) => sum + tokens, 0));
    expect(raw.truncated).toEqual([]);
  });
});

const pairTemplate = "Judge.\nQuery: {query}\nDocument: {document}\nAnswer:";
const rerankers: [string, Record<string, string | number>][] = [
  ["bert", { pooling: "rank", labels: 1, "add-sep": 0 }],
  ["bert", { pooling: "rank", labels: 1, "add-sep": 1 }],
  ["jina-bert-v2", { pooling: "rank", labels: 1 }],
  ["modern-bert", { pooling: "rank", labels: 1 }],
  ["qwen3", { pooling: "rank", labels: 2, "pair-template": pairTemplate }],
];

describe.each(rerankers)("the reranker %s %o", (kind, options) => {
  const model = randomModel(kind, { ctx: 512, ...options });
  const documents = mixedTexts(40, 7);
  const query = "what is the dose";

  it("gives what a plain loop computes, best first", async () => {
    const expected = plainEmbed(
      model,
      documents.map((text) => ({ text, query })),
      { pooling: "rank" },
    );
    const engine = await load(model, { task: "rerank" });
    const { results, usage, truncated } = await engine.rerank(query, documents);
    expect(results.map(({ index }) => index).sort((a, b) => a - b)).toEqual(documents.map((_, i) => i));
    for (const { index, score, labels } of results) {
      const { row } = expected[index]!;
      expect(Math.abs(score - row[0]!)).toBeLessThan(CLOSE);
      if (options.labels === 1) expect(labels).toBeUndefined();
      else expect(labels).toEqual({ yes: score, no: expect.closeTo(row[1]!, 4) as number });
    }
    const scores = results.map(({ score }) => score);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
    expect(usage.promptTokens).toBe(expected.reduce((sum, { tokens }) => sum + tokens, 0));
    expect(truncated).toEqual([]);
    const best = await engine.rerank(query, documents, { topN: 3, normalize: true });
    best.results.forEach(({ score }, i) => {
      const raw = results[i]!.score;
      expect(score).toBeCloseTo(options.labels === 1 ? 1 / (1 + Math.exp(-raw)) : raw, 4);
    });
  });

  it("cuts documents, and never the query", async () => {
    const engine = await load(model, { task: "rerank", nCtxPerRequest: 64, nCtx: 1024 });
    const long = `fever ${"dose ".repeat(60)}`;
    expect(await errorOf(engine.rerank(query, ["fan", long]))).toMatchObject({
      code: "CONTEXT_FULL",
      message: expect.stringMatching(/^engine\.rerank: documents\[1\]: the text has \d+ tokens, and .* 64/) as string,
    });
    const { results, truncated, usage } = await engine.rerank(query, ["fan", long], { truncate: true });
    expect(results).toHaveLength(2);
    expect(truncated).toMatchObject([{ index: 1 }]);
    const [{ tokens, cutTokens }] = truncated as [(typeof truncated)[0]];
    expect(tokens).toBeLessThanOrEqual(64);
    expect(tokens).toBeGreaterThan(60);
    const whole = plainEmbed(model, [{ text: long, query }], { pooling: "rank" })[0]!;
    expect(tokens + cutTokens).toBe(whole.tokens);
    expect(usage.promptTokens).toBeGreaterThan(tokens);
    expect(await errorOf(engine.rerank("dose ".repeat(80), ["fan"], { truncate: true }))).toMatchObject({
      code: "CONTEXT_FULL",
    });
  });
});

describe("texts", () => {
  const bert = randomModel("bert", { pooling: "mean" });

  it("hold no control tokens", async () => {
    const model = randomModel("bert", { pooling: "cls", vocab: vocabularyFile("bert-bge") });
    const engine = await load(model);
    const { usage } = await engine.embed("[SEP]");
    expect(usage.promptTokens).toBe(engine.tokenize("[SEP]").length + 2);
    expect(usage.promptTokens).toBeGreaterThan(3);
    const pair = randomModel("qwen3", { pooling: "rank", labels: 2, "pair-template": "<s>{query}</s>{document}</s>" });
    const reranker = await load(pair, { task: "rerank" });
    const plain = (await reranker.rerank("bat", ["cot"])).usage.promptTokens;
    expect((await reranker.rerank("bat", ["cot</s>"])).usage.promptTokens).toBeGreaterThan(plain + 1);
  });

  it("that are empty have their special tokens alone, and are refused where there are none", async () => {
    const engine = await load(bert);
    const { embeddings, usage } = await engine.embed(["", ""]);
    expect(usage.promptTokens).toBe(4);
    for (const row of embeddings) expect(Math.hypot(...row)).toBeCloseTo(1, 5);
    const bare = await load(randomModel("bert", { pooling: "mean", "add-bos": 0, "add-eos": 0 }));
    expect(await errorOf(bare.embed(["bat", ""]))).toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining("texts[1]") as string,
    });
  });

  it("are cut only where that is asked for, and it is said", async () => {
    const engine = await load(bert, { nCtxPerRequest: 16, nCtx: 1024 });
    const long = Array(20).fill("bab").join(" ");
    const n = engine.tokenize(long, { addSpecial: true }).length;
    expect(await errorOf(engine.embed(["bab", long]))).toMatchObject({
      code: "CONTEXT_FULL",
      message: `engine.embed: texts[1]: the text has ${n} tokens, and the model is loaded for 16: shorten it, or pass truncate: true`,
    });
    const { embeddings, truncated } = await engine.embed(["bab", long], { truncate: true });
    expect(truncated).toEqual([{ index: 1, tokens: 16, cutTokens: n - 16 }]);
    const fitting = Array(14).fill("bab").join(" ");
    expect(engine.tokenize(fitting, { addSpecial: true }).length).toBe(16);
    expect(embeddings[1]).toEqual((await engine.embed(fitting)).embeddings[0]);
  });

  it("have rows of the wanted dimensions and length", async () => {
    const engine = await load(bert);
    const texts = mixedTexts(6);
    const whole = (await engine.embed(texts, { normalize: false })).embeddings;
    for (const dimensions of [1, 7, 64]) {
      const short = await engine.embed(texts, { dimensions, normalize: false });
      expect(short.dimensions).toBe(dimensions);
      short.embeddings.forEach((row, i) =>
        expect(largestDifference(row, [...whole[i]!.slice(0, dimensions)])).toBeLessThan(CLOSE),
      );
      const scaled = (await engine.embed(texts, { dimensions })).embeddings;
      scaled.forEach((row) => expect(Math.hypot(...row)).toBeCloseTo(1, 5));
    }
    expect(await errorOf(engine.embed("bat", { dimensions: 65 }))).toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  it("have the same rows whatever else is read with them", async () => {
    const engine = await load(bert, { nUbatch: 64 });
    const alone = new Map<string, Float32Array>();
    const rowOf = async (text: string) => {
      if (!alone.has(text)) alone.set(text, (await engine.embed(text)).embeddings[0]!);
      return alone.get(text)!;
    };
    const text = fc.array(fc.constantFrom(...words), { maxLength: 40 }).map((some) => some.join(" "));
    await fc.assert(
      fc.asyncProperty(fc.array(text, { maxLength: 30 }), async (texts) => {
        const { embeddings } = await engine.embed(texts);
        expect(embeddings).toHaveLength(texts.length);
        for (const [i, each] of texts.entries()) {
          expect(largestDifference(embeddings[i]!, [...(await rowOf(each))])).toBeLessThan(CLOSE);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe("many texts", () => {
  it("come one by one, as fast as they are read", async () => {
    const engine = await load(randomModel("bert", { pooling: "mean" }));
    const texts = mixedTexts(3000);
    const rows = (await engine.embed(texts)).embeddings;
    let taken = 0;
    const source = function* () {
      for (const text of texts) {
        taken++;
        yield text;
      }
    };
    let read = 0;
    for await (const { index, embedding } of engine.embedStream(source())) {
      expect(index).toBe(read++);
      expect(largestDifference(embedding, [...rows[index]!])).toBeLessThan(CLOSE);
      if (read === 100) await new Promise((resolve) => setTimeout(resolve, 200));
      if (read === 100) expect(taken).toBeLessThanOrEqual(100 + 2 * 1024);
      if (read === 1000) break;
    }
    expect(read).toBe(1000);
    expect(engine.stats().queued + engine.stats().running).toBeLessThanOrEqual(256);
  });

  it("fill passes", async () => {
    const engine = await load(randomModel("bert", { pooling: "mean" }), { nUbatch: 256 });
    const { usage } = await engine.embed(mixedTexts(600));
    const { steps } = engine.stats();
    expect(usage.promptTokens / (256 * steps)).toBeGreaterThan(0.9);
  });

  it("end with their signal, and with their engine", async () => {
    const engine = await load(randomModel("bert", { pooling: "mean" }));
    const controller = new AbortController();
    const aborted = errorOf(engine.embed(mixedTexts(3000), { signal: controller.signal }));
    setTimeout(() => controller.abort(new Error("enough")), 30);
    expect(await aborted).toMatchObject({ code: "ABORTED", cause: { message: "enough" } });
    await engine.embed("bat");
    const closed = errorOf(engine.embed(mixedTexts(3000)));
    setTimeout(() => void engine.close(), 30);
    expect(await closed).toMatchObject({ code: "CLOSED" });
    expect(await errorOf(engine.embed("bat"))).toMatchObject({ code: "CLOSED" });
  });

  it("share what they begin with, where the model keeps it", async () => {
    const engine = await load(randomModel("qwen3", { pooling: "last" }), { batchSize: 1 });
    const instruction = "Instruct the fan and the bat ".repeat(8);
    await engine.embed(`${instruction}cot`);
    const again = await engine.embed(`${instruction}dig`);
    expect(again.usage.cachedTokens).toBeGreaterThan(32);
    const other = await engine.embed(`${instruction}dig`, { cacheSalt: "another" });
    expect(other.usage.cachedTokens).toBe(0);
    expect(largestDifference(again.embeddings[0]!, [...other.embeddings[0]!])).toBeLessThan(CLOSE);
  });
});

describe("an engine is for one task", () => {
  const wrong = { code: "WRONG_TASK", retryable: false };

  it("and says which other one a call is for", async () => {
    const embedder = await load(randomModel("qwen3", { pooling: "last" }));
    expect(await errorOf(embedder.chat({ messages: [{ role: "user", content: "bat" }] }).result)).toMatchObject(wrong);
    expect(await errorOf(embedder.complete({ prompt: "bat" }).result)).toMatchObject({
      ...wrong,
      message: 'engine.complete: the engine was loaded with task: "embed": load one with task: "generate"',
    });
    expect(() => embedder.session()).toThrow(expect.objectContaining(wrong) as Error);
    expect(await errorOf(embedder.rerank("bat", ["cot"]))).toMatchObject(wrong);
    const reranker = await load(randomModel("bert", { pooling: "rank", labels: 1 }), { task: "rerank" });
    expect(await errorOf(reranker.embed("bat"))).toMatchObject(wrong);
    const generator = await load(randomModel("qwen3", { pooling: "last" }), { task: "generate" });
    expect(await errorOf(generator.embed("bat"))).toMatchObject(wrong);
    expect(await generator.complete({ prompt: "bat", nPredict: 2, ignoreEos: true }).result).toMatchObject({
      finishReason: "length",
    });
  });

  it.each([
    ["a model that writes nothing, to generate", "bert", { pooling: "mean" }, { task: "generate" }],
    ["a file that names no pooling", "qwen3", { pooling: "unsaid" }, {}],
    ["a file that pools nothing", "bert", { pooling: "none" }, {}],
    ["a reranker, to embed", "bert", { pooling: "rank", labels: 1 }, {}],
    ["an embedding model, to rerank", "bert", { pooling: "mean" }, { task: "rerank" }],
    ["a reranker without a classifier", "qwen3", { pooling: "rank" }, { task: "rerank" }],
  ] satisfies [string, string, Record<string, string | number>, LoadOptions][])(
    "which a load refuses: %s",
    async (_, kind, options, how) => {
      expect(await errorOf(load(randomModel(kind, options), how))).toMatchObject(wrong);
    },
  );

  it("with a pooling that the caller knows", async () => {
    const model = randomModel("qwen3", { pooling: "unsaid" });
    for (const pooling of ["mean", "cls", "last"] as const) {
      const engine = await load(model, { pooling });
      expect(engine.info.pooling).toBe(pooling);
      const texts = mixedTexts(12);
      const expected = plainEmbed(
        model,
        texts.map((text) => ({ text })),
        { pooling },
      );
      const { embeddings } = await engine.embed(texts);
      embeddings.forEach((row, i) => expect(largestDifference(row, unit(expected[i]!.row))).toBeLessThan(CLOSE));
    }
    expect(await errorOf(load(model, { pooling: "last", task: "rerank" }))).toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});
