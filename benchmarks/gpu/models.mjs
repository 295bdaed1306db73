// Models of the sizes that people run, with random weights: as fast as trained ones of the same shape.
import { randomModel, vocabularyFile } from "../../test/support/random-model.mjs";

/** Llama 2's: SentencePiece, 32,000 pieces. */
const spm = vocabularyFile("llama-spm");
/** Llama 3's: 128,256 byte pairs. */
const bpe = vocabularyFile("llama-bpe");

const shapes = {
  /** Llama 2 7B: as many heads for keys and values as for queries. */
  "7B": { embd: 4096, layers: 32, heads: 32, "kv-heads": 32, ff: 11008, vocab: spm },
  /** Llama 3 8B: four queries for each head of keys and values. */
  "8B": { embd: 4096, layers: 32, heads: 32, "kv-heads": 8, ff: 14336, vocab: bpe },
  /** Qwen2.5-VL 3B, with the words of Llama 3. */
  "3B-VLM": { embd: 2048, layers: 36, heads: 16, "kv-heads": 2, ff: 11008, vocab: bpe },
};
const tiny = { embd: 256, layers: 2, heads: 4, "kv-heads": 2, ff: 512, vocab: spm };
/** Its vision encoder: 32 layers of 1,280, patches of 14, four of which become a token. */
const encoder = { embd: 1280, layers: 32, heads: 16, ff: 3456, image: 560, patch: 14, merge: 2, out: 2048 };
const tinyEncoder = { embd: 64, layers: 2, heads: 2, ff: 128, image: 112, patch: 14, merge: 2, out: 256 };

/** @param {keyof typeof shapes} name @param {"f16" | "q4_k_m"} type @param {boolean} quick a tiny one in its place */
export function modelOf(name, type, quick) {
  const kind = name === "3B-VLM" ? "qwen2vl" : "llama";
  return randomModel(kind, { ...(quick ? tiny : shapes[name]), ctx: 131_072, type, repeat: 1 });
}

/** @param {boolean} quick */
export const encoderOf = (quick) =>
  randomModel("qwen2vl-mmproj", { ...(quick ? tinyEncoder : encoder), type: "f16", repeat: 1 });

/** Pixels of a side of the images that it is given. @param {boolean} quick */
export const imageSide = (quick) => (quick ? tinyEncoder : encoder).image;

/**
 * What it takes to encode an image: two operations for each weight and patch, and those of the patches' attention to each
 * other. What the language model does is left out.
 * @param {boolean} quick
 */
export function encoderOperations(quick) {
  const { embd, layers, ff, image, patch } = quick ? tinyEncoder : encoder;
  const patches = (image / patch) ** 2;
  const weights = layers * (4 * embd ** 2 + 2 * embd * ff);
  return 2 * weights * patches + 4 * layers * embd * patches ** 2;
}
