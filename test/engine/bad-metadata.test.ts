// Values of a model's metadata that llama.cpp asserts on, divides by or counts up to: the load refuses them by name.
// Every case runs in a process of its own, because the failure to be found is the death of that process.
import { readFileSync } from "node:fs";

import { describe, expect, test } from "vitest";

import { fuzzBases } from "../fuzz/metadata/bases.mjs";
import { writeGguf } from "../fuzz/metadata/gguf.mjs";
import { applyMutations, type Mutation } from "../fuzz/metadata/mutate.mjs";
import { badFile, runBadInput } from "../support/bad-input.mjs";
import { fromRoot } from "../support/paths.mjs";
import { tinyModel } from "../support/random-model.mjs";

const bases = fuzzBases({ scratch: fromRoot("out", "fuzz", "metadata") });
const good = { model: tinyModel(), mmproj: null, nCtx: 512, nThreads: 1 };

/** A stored model with other values, as a file. */
function changed(architecture: string, mutations: Mutation[]): string {
  const { model, gguf } = bases.find((base) => base.architecture === architecture)!;
  const copy = { values: new Map(gguf.values), tensors: gguf.tensors.map((tensor) => ({ ...tensor })) };
  applyMutations(copy, mutations);
  expect(writeGguf(copy).equals(readFileSync(model))).toBe(false);
  return badFile(
    `metadata-${architecture}-${JSON.stringify(mutations).replace(/\W+/g, "-").slice(0, 150)}.gguf`,
    writeGguf(copy),
  );
}

async function refusal(load: { model: string }): Promise<string> {
  const { error, after } = await runBadInput({ load: { ...good, ...load }, good });
  expect(error).toMatchObject({ typed: true, code: "BAD_GGUF", retryable: false });
  expect(after.length).toBeGreaterThan(0);
  return error!.message.replace(load.model, "");
}

const u32 = (key: string, value: string) => ({ key, type: "u32", value });
const f32 = (key: string, value: string) => ({ key, type: "f32", value });

describe("a value out of its range is named", () => {
  const huge = String(2 ** 32 - 1);
  test.concurrent.each<[string, ReturnType<typeof u32>, string]>([
    ["llama", u32("llama.block_count", "0"), "is 0"],
    ["llama", u32("llama.block_count", "513"), "is 513"],
    ["llama", u32("llama.context_length", "0"), "is 0"],
    ["llama", u32("llama.embedding_length", huge), `is ${huge}`],
    ["llama", u32("llama.attention.head_count", "0"), "is 0"],
    ["llama", u32("llama.attention.head_count_kv", "3"), "is 3"],
    ["llama", f32("llama.attention.layer_norm_rms_epsilon", "-1"), "is -1"],
    ["llama", f32("llama.attention.layer_norm_rms_epsilon", "NaN"), "nan"],
    ["llama", f32("llama.rope.freq_base", "-1"), "is -1"],
    ["qwen3", u32("qwen3.rope.dimension_count", "7"), "is 7"],
    ["qwen3", u32("qwen3.rope.dimension_count", "4096"), "is 4096"],
    ["gemma2", u32("gemma2.attention.sliding_window", huge), `is ${huge}`],
    ["olmo2", u32("olmo2.attention.head_count", "0"), "is 0"],
    ["qwen35", u32("qwen35.full_attention_interval", "0"), "is 0"],
    ["qwen35", u32("qwen35.ssm.time_step_rank", "0"), "is 0"],
    ["mamba2", u32("mamba2.ssm.group_count", "0"), "is 0"],
    ["mamba2", u32("mamba2.ssm.time_step_rank", "0"), "is 0"],
    ["qwen3moe", u32("qwen3moe.expert_count", "1025"), "is 1025"],
    ["qwen3moe", u32("qwen3moe.expert_used_count", "999"), "is 999"],
    ["qwen3moe", u32("qwen3moe.expert_group_count", "3"), "is 3"],
    ["deepseek2", u32("deepseek2.expert_group_used_count", "0"), "is 0"],
  ])("%s: %o", async (architecture, mutation, value) => {
    const mutations: Mutation[] = [mutation];
    if (mutation.key === "deepseek2.expert_group_used_count") mutations.push(u32("deepseek2.expert_group_count", "2"));
    const message = await refusal({ model: changed(architecture, mutations) });
    expect(message).toContain(mutation.key);
    expect(message).toContain(value);
    expect(message.length).toBeLessThan(400);
  });
});

describe("what is asserted is reported", () => {
  test.concurrent.each<[string, Mutation[], RegExp]>([
    ["llama", [{ key: "llama.rope.scaling.type", type: "string", value: "unheard-of" }], /GGML_ASSERT/],
    ["llama", [{ tensor: "blk.0.ffn_up.weight", type: 24 }], /GGML_ASSERT|has wrong/], // integers as weights
    ["gpt-oss", [u32("gpt-oss.nextn_predict_layers", "99")], /GGML_ASSERT/],
    ["cohere2", [u32("cohere2.rope.dimension_count", "0")], /n_dims > 0/], // would be computed for ever
  ])("%s: %o", async (architecture, mutations, refused) => {
    expect(await refusal({ model: changed(architecture, mutations) })).toMatch(refused);
  });

  test("text from a file is cut", async () => {
    const long = "x".repeat(5000);
    const model = changed("llama", [{ key: "general.architecture", type: "string", value: long }]);
    expect((await refusal({ model })).match(/x+/g)!.every((run) => run.length <= 200)).toBe(true);
  });
});
