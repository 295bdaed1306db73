#!/usr/bin/env bash
# llama.cpp skips the norm weights of a LoRA adapter without a word, though its own converter writes them into the file.
#
# Versions:  node-llama-cpp 3.22.1 (npm) with its prebuilt binary of llama.cpp v0.5.0 and the bundled llama.cpp sources of that release;
#            gguf 0.19.0 (PyPI), which writes the models here: one layer, random weights. Linux, x64 or arm64.
# Expected:  convert_lora_to_gguf.py keeps "_norm" vectors that come with an adapter (it names mergekit's adapters as a reason). A model with
#            such an adapter calculates with these norms, as the model with the merged weights does; or loading it fails or warns.
# Seen:      The adapter loads without an error or a warning, and the vectors have no effect: the probabilities are exactly those of
#            the adapter without them. Other tensors that are no pair of lora_a and lora_b are refused by the same function.
# Matters:   Fine-tuning that trains the norms along with LoRA is common for small models and longer contexts. The adapter is in use, but
#            not what was trained, and the file's size and its list of tensors suggest that all is there.
#
# Exit status: 0 as described, 1 changed, anything else: could not run.
set -euo pipefail

export PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1
python=${PYTHON:-python3}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

[ "$(uname -s)" = Linux ] || { echo "for Linux only" >&2; exit 2; }
"$python" -m pip install --quiet --no-compile --target "$tmp/python" gguf==0.19.0
npm install --prefix "$tmp/node" --silent --no-audit --no-fund --ignore-scripts --omit=optional node-llama-cpp@3.22.1 \
    "@node-llama-cpp/linux-$(node -p process.arch)@3.22.1"
git clone --quiet -c advice.detachedHead=false "$tmp/node/node_modules/node-llama-cpp/llama/gitRelease.bundle" "$tmp/llama.cpp"
echo "in convert_lora_to_gguf.py: $(grep -c '"_norm" in dest_name' "$tmp/llama.cpp/convert_lora_to_gguf.py") place that writes norm vectors"

cat > "$tmp/write.py" <<'PY'
import json
import sys

import numpy as np
from gguf import GGUFType, GGUFWriter, TokenType

folder = sys.argv[1]
EMBD, FEED, HEADS, RANK, ALPHA = 32, 64, 4, 2, 2.0
TOKENS = [b"<unk>", b"<s>", b"</s>"] + [b"<0x%02X>" % byte for byte in range(256)]
random = np.random.default_rng(1)


def matrix(*shape):
    return (0.3 * random.standard_normal(shape)).astype(np.float32)


def norm(size):
    return 1 + matrix(size)


tensors = {
    "token_embd.weight": 3 * matrix(len(TOKENS), EMBD), "output_norm.weight": norm(EMBD), "output.weight": matrix(len(TOKENS), EMBD),
    "blk.0.attn_norm.weight": norm(EMBD), "blk.0.ffn_norm.weight": norm(EMBD), "blk.0.ffn_gate.weight": matrix(FEED, EMBD),
    "blk.0.ffn_up.weight": matrix(FEED, EMBD), "blk.0.ffn_down.weight": matrix(EMBD, FEED),
    **{f"blk.0.attn_{part}.weight": matrix(EMBD, EMBD) for part in ("q", "k", "v", "output")},
}


def write(name, writer, tensors):
    for tensor, values in tensors.items():
        writer.add_tensor(tensor, values)
    writer.write_header_to_file(f"{folder}/{name}.gguf")
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_model(name, tensors):
    writer = GGUFWriter(None, "llama")
    writer.add_context_length(256)
    writer.add_embedding_length(EMBD)
    writer.add_block_count(1)
    writer.add_feed_forward_length(FEED)
    writer.add_head_count(HEADS)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_dimension_count(EMBD // HEADS)
    writer.add_vocab_size(len(TOKENS))
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(TOKENS)
    writer.add_token_scores([0.0] * len(TOKENS))
    writer.add_token_types([TokenType.UNKNOWN, TokenType.CONTROL, TokenType.CONTROL] + [TokenType.BYTE] * 256)
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    write(name, writer, tensors)


def write_adapter(name, tensors):
    writer = GGUFWriter(None, "llama")
    writer.add_type(GGUFType.ADAPTER)
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", ALPHA)
    write(name, writer, tensors)


TARGET = "blk.0.attn_q.weight"
a, b = matrix(RANK, EMBD), matrix(EMBD, RANK)
pair = {f"{TARGET}.lora_a": a, f"{TARGET}.lora_b": b}
norms = {name: norm(EMBD) for name in ("blk.0.attn_norm.weight", "blk.0.ffn_norm.weight", "output_norm.weight")}
merged = {**tensors, TARGET: tensors[TARGET] + ALPHA / RANK * b @ a}
write_model("plain", tensors)
write_model("merged", merged)
write_model("merged-norms", {**merged, **norms})
write_adapter("adapter", pair)
write_adapter("adapter-norms", {**pair, **norms})
json.dump({"tokens": len(TOKENS)}, open(f"{folder}/tokens.json", "w"))
PY
mkdir "$tmp/models"
PYTHONPATH="$tmp/python" "$python" "$tmp/write.py" "$tmp/models"

cat > "$tmp/node/run.mjs" <<'JS'
import {readFileSync} from "node:fs";
import {getLlama, LlamaLogLevel} from "node-llama-cpp";

const [folder] = process.argv.slice(2);
const {tokens} = JSON.parse(readFileSync(`${folder}/tokens.json`, "utf8"));
const warnings = [];
const llama = await getLlama({
    gpu: false, build: "never", progressLogs: false, logLevel: LlamaLogLevel.warn, logger: (level, message) => warnings.push(message),
});

const probabilities = async (name, adapter) => {
    const model = await llama.loadModel({modelPath: `${folder}/${name}.gguf`});
    const lora = adapter && {adapters: [{filePath: `${folder}/${adapter}.gguf`}]};
    const context = await model.createContext({contextSize: 256, threads: 1, ...(lora && {lora})});
    const input = [1, ...[..."hello"].map((letter) => letter.charCodeAt(0) + 3)];
    const last = input.pop();
    const results = await context.getSequence().controlledEvaluate(
        [...input, [last, {generateNext: {probabilities: true, options: {temperature: 1}}}]],
    );
    const found = results[input.length].next.probabilities;
    await context.dispose();
    await model.dispose();
    return Array.from({length: tokens}, (_, token) => found.get(token) ?? 0);
};
const distance = (a, b) => Math.max(...a.map((value, at) => Math.abs(value - b[at])));

const {release} = llama.llamaCppRelease;
console.log(`llama.cpp ${release} (${llama.buildType}); largest distance of a token's probability`);
const plain = await probabilities("plain");
const [adapter, withNorms] = [await probabilities("plain", "adapter"), await probabilities("plain", "adapter-norms")];
const [merged, mergedNorms] = [await probabilities("merged"), await probabilities("merged-norms")];
const distances = {
    "adapter without norms to plain model": distance(adapter, plain),
    "adapter without norms to merged": distance(adapter, merged),
    "adapter with norms to adapter without": distance(withNorms, adapter),
    "adapter with norms to merged with norms": distance(withNorms, mergedNorms),
};
for (const [name, value] of Object.entries(distances)) console.log(`  ${(name + ":").padEnd(41)}${value.toFixed(7)}`);
const loraWarnings = warnings.filter((message) => /lora|adapter/i.test(message));
console.log(`warnings about adapters: ${loraWarnings.length}`);
await llama.dispose();
const [effect, right, ofNorms, wrong] = Object.values(distances);
const described = release === "v0.5.0" && loraWarnings.length === 0 && effect > 0.005 && right < 1e-5 && ofNorms === 0 && wrong > 0.005;
console.log(described ? "as described" : "CHANGED");
process.exitCode = described ? 0 : 1;
JS
node "$tmp/node/run.mjs" "$tmp/models"
