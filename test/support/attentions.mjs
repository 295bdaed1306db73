// Shapes of attention, for which a GPU has kernels of their own.
import { randomModel } from "./random-model.mjs";

/** Heads of 64, 128 and 256, and one to eight queries for each head of keys and values. */
export const attentions = [64, 128, 256].flatMap((width) => [1, 2, 4, 8].map((queries) => ({ width, queries })));

/**
 * Sequences at once. A gather is worth while, and done, where the pool holds more than all of them see: with few of them
 * soon, with many hardly ever in a small pool.
 */
export const AT_ONCE = 4;

/** @param {{ width: number, queries: number }} attention @param {"f32" | "f16"} type */
export function attentionModel({ width, queries }, type) {
  const heads = Math.max(queries, 2);
  return randomModel("llama", { type, embd: width * heads, heads, "kv-heads": heads / queries, ff: 512, layers: 2 });
}
