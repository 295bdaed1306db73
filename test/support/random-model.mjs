// Random-weight models, made on first use and kept in the cache folder.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

import { readGguf, writeGguf } from "../fuzz/metadata/gguf.mjs";
import { randomAdapter } from "./adapters.mjs";
import { cachedFile } from "./cached-file.mjs";
import { cacheDir, fromRoot } from "./paths.mjs";
import { tool, writerDigest } from "./tools.mjs";

/** A vocabulary of llama.cpp's by its name. @param {string} name */
export const vocabularyFile = (name) =>
  path.join(process.env.MEDINFER_LLAMA_CPP || fromRoot("native", "llama.cpp"), "models", `ggml-vocab-${name}.gguf`);

/** SentencePiece, 32,000 pieces: the vocabulary of models whose size or speed matters, not their text. */
const llamaVocab = () => vocabularyFile("llama-spm");

/**
 * The path of a random model of `kind` (see test/support/tools/random_gguf.cc).
 * @param {string} kind
 * @param {Record<string, string | number>} [options] the tool's options
 * @returns {string}
 */
export function randomModel(kind, options = {}) {
  const words = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const digest = createHash("sha256")
    .update([writerDigest, kind, ...words].join("\0"))
    .digest("hex");
  const name = `${kind}-${digest.slice(0, 12)}.gguf`;
  const file = path.join(cacheDir, name);
  if (existsSync(file)) return file;
  return cachedFile(name, (partial) =>
    execFileSync(tool("random_gguf"), [kind, partial, ...words], { stdio: ["ignore", "ignore", "inherit"] }),
  );
}

/**
 * 1 M parameters: every correctness test. F32, because with F16 or quantized weights activations are rounded on their
 * way into each product, and a last bit that depends on the size of the batch becomes a difference of logits of 1e-3
 * and more: there llama.cpp does not equal itself.
 */
export const tinyModel = (options = {}) => randomModel("llama", { type: "f32", ...options });
export const tinyMmproj = (options = {}) => randomModel("llava-mmproj", { type: "f32", ...options });

/** A LoRA adapter of the tiny model. @param {number} seed @returns {string} */
export function tinyAdapter(seed) {
  const model = tinyModel();
  return cachedFile(`${path.basename(model, ".gguf")}-adapter-${seed}.gguf`, (partial) => {
    const only = (/** @type {string} */ weight) => /\.(attn|ffn)_/.test(weight);
    writeFileSync(partial, writeGguf(randomAdapter(readGguf(readFileSync(model)), { seed, strength: 1, only })));
  });
}

/** The tiny pairs of three families of vision models: causal image tokens, M-RoPE positions, non-causal image tokens. */
export const tinyPairs = {
  llava: () => ({ model: tinyModel(), mmproj: tinyMmproj() }),
  qwen2vl: () => ({
    model: randomModel("qwen2vl", { type: "f32" }),
    mmproj: randomModel("qwen2vl-mmproj", { type: "f32" }),
  }),
  gemma3: () => ({
    model: randomModel("gemma3", { type: "f32", window: 256 }),
    mmproj: randomModel("gemma3-mmproj", { type: "f32" }),
  }),
};

/** 19 MB, F16: where the cost beside the model's own arithmetic shows most. */
export const smallModel = () =>
  randomModel("llama", { vocab: llamaVocab(), embd: 128, layers: 6, heads: 4, ff: 512, ctx: 32768 });

/** The shape of a 110 M parameter llama, Q4_K_M. */
export const mediumModel = () =>
  randomModel("llama", {
    vocab: llamaVocab(),
    embd: 768,
    layers: 12,
    heads: 12,
    "kv-heads": 12,
    ff: 2048,
    ctx: 32768,
    type: "q4_k_m",
  });

/** 540 MB, F16: for loading. */
export const largeModel = () =>
  randomModel("llama", {
    vocab: llamaVocab(),
    embd: 1024,
    layers: 16,
    heads: 16,
    "kv-heads": 16,
    ff: 2816,
    ctx: 8192,
  });
