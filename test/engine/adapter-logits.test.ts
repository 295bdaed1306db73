// A model with adapters gives the logits of a model into which they are merged, alone and beside requests of others.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { Engine, type AdapterUse, type LoraAdapter, type TokenLogprobs } from "medinfer";
import { afterAll, describe, expect, test } from "vitest";

import { fuzzBases } from "../fuzz/metadata/bases.mjs";
import { writeGguf, type Gguf } from "../fuzz/metadata/gguf.mjs";
import { merged, randomAdapter } from "../support/adapters.mjs";
import { fromRoot } from "../support/paths.mjs";
import { errorOf } from "./support/engines.js";

const folder = mkdtempSync(path.join(tmpdir(), "medinfer-adapters-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The vocabulary of the stored models: all of it is in the logprobs. */
const VOCABULARY = 100;
const prompts = ["Metformin 500 mg b.i.d.", "HbA1c: 7,2 %", "A", "Aspirin 100 mg, since 2019; no bleeding."];
const ask = { sampling: { temperature: 0 }, nPredict: 4, ignoreEos: true, nProbs: VOCABULARY };
const load = (model: string) =>
  Engine.load({
    model,
    mmproj: null,
    device: "cpu",
    nThreads: 1,
    nCtx: 1024,
    nUbatch: 32,
    batchSize: 8,
    kv: { type: "f32" },
  });

function write(name: string, gguf: Gguf): string {
  const file = path.join(folder, name);
  writeFileSync(file, writeGguf(gguf));
  return file;
}

/** The largest difference of two answers' logprobs, as far as both drew the same tokens. */
function difference(one: readonly TokenLogprobs[], other: readonly TokenLogprobs[]): number {
  let most = 0;
  for (let i = 0; i < Math.min(one.length, other.length); ++i) {
    const theirs = new Map(other[i]!.before.map(({ id, logprob }) => [id, logprob]));
    for (const { id, logprob } of one[i]!.before) most = Math.max(most, Math.abs(logprob - theirs.get(id)!));
    if (one[i]!.id !== other[i]!.id) break;
  }
  return most;
}

/** Answers to all prompts at once. */
async function answers(engine: Engine, uses: readonly AdapterUse[] = []) {
  const all = prompts.map((prompt) => engine.complete({ prompt, ...ask, adapters: uses }).result);
  return (await Promise.all(all)).map(({ logprobs }) => logprobs!);
}

/** Loads an adapter of all weights that the model takes. Returns what it takes none of. */
async function loadWhole(
  engine: Engine,
  name: string,
  make: (only: (weight: string) => boolean) => ReturnType<typeof randomAdapter>,
) {
  const refused = new Set<string>();
  for (;;) {
    const adapter = make((weight) => !refused.has(weight));
    const file = write(`${name}.gguf`, adapter);
    try {
      return { loaded: await engine.loadAdapter(file), adapter, refused };
    } catch (error) {
      const { code, message } = error as { code: string; message: string };
      expect(code).toBe("BAD_LORA");
      const weight = /(?:adapter to|tensor) (\S+?)(?: would|;)/.exec(message)?.[1];
      expect(weight, message).toBeDefined();
      expect(refused).not.toContain(weight);
      refused.add(weight!);
    }
  }
}

const bases = fuzzBases({ scratch: fromRoot("out", "fuzz", "metadata") });

describe("the logits are those of the merged model", () => {
  test.each(bases.map((base) => [base.architecture, base] as const))("%s", async (architecture, { model, gguf }) => {
    await using engine = await load(model);
    const one = await loadWhole(engine, `${architecture}-one`, (only) => randomAdapter(gguf, { seed: 1, only }));
    const only = (weight: string) => !one.refused.has(weight) && !weight.includes("ffn_up");
    const two = randomAdapter(gguf, { seed: 2, rank: 2, alpha: 0, only });
    const other: LoraAdapter = await engine.loadAdapter(write(`${architecture}-two.gguf`, two));
    expect(one.adapter.halves.size, `no weight of ${architecture} takes an adapter`).toBeGreaterThan(2);

    const sets: { uses: AdapterUse[]; whole: Gguf }[] = [
      { uses: [], whole: gguf },
      { uses: [{ adapter: one.loaded }], whole: merged(gguf, [{ adapter: one.adapter }]) },
      { uses: [{ adapter: other, scale: -0.5 }], whole: merged(gguf, [{ adapter: two, scale: -0.5 }]) },
      {
        uses: [
          { adapter: other.name, scale: 0.7 },
          { adapter: one.loaded, scale: 0.4 },
        ],
        whole: merged(gguf, [
          { adapter: one.adapter, scale: 0.4 },
          { adapter: two, scale: 0.7 },
        ]),
      },
    ];
    // All sets and all prompts at once.
    const given = await Promise.all(sets.map(({ uses }) => answers(engine, uses)));
    const seen: number[] = [];
    for (const [i, { whole }] of sets.entries()) {
      await using reference = await load(write(`${architecture}-merged.gguf`, whole));
      const wanted = await answers(reference);
      wanted.forEach((each, j) => seen.push(difference(given[i]![j]!, each)));
      // The test itself: an adapter changes the answers.
      if (i > 0) expect(difference(given[i]![0]!, given[0]![0]!)).toBeGreaterThan(0.01);
    }
    console.log(
      `${architecture}: ${one.adapter.halves.size} weights, not ${[...one.refused].map((name) => name.replace("blk.", "")).join(" ")}; at most ${Math.max(...seen).toExponential(1)}`,
    );
    expect(Math.max(...seen)).toBeLessThan(1e-3);
  });
});

test("every type of weights", async () => {
  const { model, gguf } = bases.find(({ architecture }) => architecture === "qwen2")!;
  await using engine = await load(model);
  const only = (weight: string) => weight !== "token_embd.weight";
  for (const type of ["f16", "bf16", "q8_0"] as const) {
    const adapter = randomAdapter(gguf, { type, rank: 32, only });
    const loaded = await engine.loadAdapter(write(`${type}.gguf`, adapter));
    await using reference = await load(write("merged.gguf", merged(gguf, [{ adapter }])));
    const [given, wanted] = [await answers(engine, [{ adapter: loaded }]), await answers(reference)];
    const without = await answers(engine);
    const most = (others: typeof wanted) => Math.max(...given.map((each, i) => difference(each, others[i]!)));
    console.log(
      `${type}: at most ${most(wanted).toExponential(1)}, where it changes ${most(without).toExponential(1)}`,
    );
    // Products of such weights round activations to their type, Q8_0's to 8 bits.
    expect(most(wanted)).toBeLessThan(most(without) / (type === "f16" ? 500 : 50));
    await loaded.unload();
  }
});

test("ranks of its own for each weight", async () => {
  const { model, gguf } = bases.find(({ architecture }) => architecture === "llama")!;
  await using engine = await load(model);
  const adapter = randomAdapter(gguf, { alpha: 5, rankOf: (weight) => 1 + (weight.length % 7) });
  const loaded = await engine.loadAdapter(write("ranks.gguf", adapter));
  await using reference = await load(write("ranks-merged.gguf", merged(gguf, [{ adapter }])));
  const [given, wanted] = [await answers(engine, [{ adapter: loaded }]), await answers(reference)];
  expect(Math.max(...given.map((each, i) => difference(each, wanted[i]!)))).toBeLessThan(1e-3);
  expect(loaded.rank).toBe(7);
});

test("embeddings that the output shares are refused by name", async () => {
  const { model, gguf } = bases.find(({ architecture }) => architecture === "qwen2")!;
  await using engine = await load(model);
  const error = await errorOf(engine.loadAdapter(write("tied.gguf", randomAdapter(gguf))));
  expect(error.code).toBe("BAD_LORA");
  expect(error.message).toContain("token_embd.weight");
});
