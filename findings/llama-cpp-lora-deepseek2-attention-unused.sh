#!/usr/bin/env bash
# llama.cpp loads a LoRA adapter for a DeepSeek-2 model and never uses its parts for the attention's queries and keys, or for the output.
#
# Versions:  node-llama-cpp 3.22.1 (npm) with its prebuilt binary of llama.cpp v0.5.0; gguf 0.19.0 (PyPI), which writes the models here:
#            one layer, random weights. Linux, x64 or arm64.
# Expected:  A model with a LoRA adapter calculates what the model with the merged weight, W + alpha / rank * B * A, does.
# Seen:      For the architecture "deepseek2", so it is for attn_output and the three matrices of the feed-forward part. An adapter for
#            attn_q_a, attn_q_b, attn_kv_a_mqa or output has no effect at all: the probabilities are exactly those of the model
#            without an adapter. It is loaded without an error or a warning. In a model of the architecture "llama", written
#            in the same way, an adapter for attn_q or output works.
# Matters:   DeepSeek V2 and V3 and their relatives have this architecture, and the projections of the attention are what LoRA is mostly
#            trained for. The adapter seems to be in use, and most of what it learned is missing.
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

cat > "$tmp/write.py" <<'PY'
import json
import sys

import numpy as np
from gguf import GGUFType, GGUFWriter, TokenType

folder = sys.argv[1]
EMBD, FEED, HEADS, RANK, ALPHA = 32, 64, 4, 2, 2.0
Q_RANK, KV_RANK, ROPE, NOPE, VALUE = 16, 16, 8, 8, 8
TOKENS = [b"<unk>", b"<s>", b"</s>"] + [b"<0x%02X>" % byte for byte in range(256)]
random = np.random.default_rng(1)


def matrix(*shape):
    return (0.3 * random.standard_normal(shape)).astype(np.float32)


def norm(size):
    return 1 + matrix(size)


common = {
    "token_embd.weight": 3 * matrix(len(TOKENS), EMBD), "output_norm.weight": norm(EMBD), "output.weight": matrix(len(TOKENS), EMBD),
    "blk.0.attn_norm.weight": norm(EMBD), "blk.0.ffn_norm.weight": norm(EMBD), "blk.0.ffn_gate.weight": matrix(FEED, EMBD),
    "blk.0.ffn_up.weight": matrix(FEED, EMBD), "blk.0.ffn_down.weight": matrix(EMBD, FEED),
}
models = {
    "deepseek2": {
        **common,
        "blk.0.attn_q_a_norm.weight": norm(Q_RANK), "blk.0.attn_kv_a_norm.weight": norm(KV_RANK),
        "blk.0.attn_q_a.weight": matrix(Q_RANK, EMBD), "blk.0.attn_q_b.weight": matrix(HEADS * (NOPE + ROPE), Q_RANK),
        "blk.0.attn_kv_a_mqa.weight": matrix(KV_RANK + ROPE, EMBD), "blk.0.attn_k_b.weight": matrix(HEADS, KV_RANK, NOPE),
        "blk.0.attn_v_b.weight": matrix(HEADS, VALUE, KV_RANK), "blk.0.attn_output.weight": matrix(EMBD, HEADS * VALUE),
    },
    "llama": {**common, **{f"blk.0.attn_{part}.weight": matrix(EMBD, EMBD) for part in ("q", "k", "v", "output")}},
}
targets = {
    "deepseek2": [
        "blk.0.attn_q_a", "blk.0.attn_q_b", "blk.0.attn_kv_a_mqa", "output",
        "blk.0.attn_output", "blk.0.ffn_gate", "blk.0.ffn_up", "blk.0.ffn_down",
    ],
    "llama": ["blk.0.attn_q", "output"],
}


def write(name, writer, tensors):
    for tensor, values in tensors.items():
        writer.add_tensor(tensor, values)
    writer.write_header_to_file(f"{folder}/{name}.gguf")
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_model(name, architecture, tensors):
    writer = GGUFWriter(None, architecture)
    writer.add_context_length(256)
    writer.add_embedding_length(EMBD)
    writer.add_block_count(1)
    writer.add_feed_forward_length(FEED)
    writer.add_head_count(HEADS)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_dimension_count(ROPE)
    writer.add_vocab_size(len(TOKENS))
    writer.add_head_count_kv(1 if architecture == "deepseek2" else HEADS)
    if architecture == "deepseek2":
        writer.add_leading_dense_block_count(1)
        writer.add_q_lora_rank(Q_RANK)
        writer.add_kv_lora_rank(KV_RANK)
        writer.add_key_length(KV_RANK + ROPE)
        writer.add_value_length(KV_RANK)
        writer.add_key_length_mla(NOPE + ROPE)
        writer.add_value_length_mla(VALUE)
        writer.add_expert_feed_forward_length(FEED)
        writer.add_expert_count(4)
        writer.add_expert_used_count(2)
        writer.add_expert_shared_count(1)
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(TOKENS)
    writer.add_token_scores([0.0] * len(TOKENS))
    writer.add_token_types([TokenType.UNKNOWN, TokenType.CONTROL, TokenType.CONTROL] + [TokenType.BYTE] * 256)
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    write(name, writer, tensors)


def write_adapter(name, architecture, tensors):
    writer = GGUFWriter(None, architecture)
    writer.add_type(GGUFType.ADAPTER)
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", ALPHA)
    write(name, writer, tensors)


for architecture, tensors in models.items():
    write_model(architecture, architecture, tensors)
    for target in targets[architecture]:
        weight = tensors[f"{target}.weight"]
        a, b = matrix(RANK, weight.shape[1]), matrix(weight.shape[0], RANK)
        write_adapter(f"{architecture}-{target}-adapter", architecture, {f"{target}.weight.lora_a": a, f"{target}.weight.lora_b": b})
        write_model(f"{architecture}-{target}-merged", architecture, {**tensors, f"{target}.weight": weight + ALPHA / RANK * b @ a})
json.dump({"targets": targets, "tokens": len(TOKENS)}, open(f"{folder}/targets.json", "w"))
PY
mkdir "$tmp/models"
PYTHONPATH="$tmp/python" "$python" "$tmp/write.py" "$tmp/models"

cat > "$tmp/node/run.mjs" <<'JS'
import {readFileSync} from "node:fs";
import {getLlama, LlamaLogLevel} from "node-llama-cpp";

const [folder] = process.argv.slice(2);
const {targets, tokens} = JSON.parse(readFileSync(`${folder}/targets.json`, "utf8"));
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
const effects = {};
for (const [architecture, names] of Object.entries(targets)) {
    const plain = await probabilities(architecture);
    for (const target of names) {
        const name = `${architecture}-${target}`;
        const adapted = await probabilities(architecture, `${name}-adapter`);
        const merged = await probabilities(`${name}-merged`);
        const [fromPlain, fromMerged, wanted] = [distance(adapted, plain), distance(adapted, merged), distance(merged, plain)];
        effects[name] = wanted < 0.005 ? "unclear" : fromPlain === 0 ? "none" : fromMerged < 1e-5 ? "whole" : "other";
        console.log(`  ${architecture.padEnd(9)} ${target.padEnd(19)} adapter to plain model ${fromPlain.toFixed(7)}, ` +
            `adapter to merged ${fromMerged.toFixed(7)}: effect ${effects[name]}`);
    }
}
const loraWarnings = warnings.filter((message) => /lora|adapter/i.test(message));
console.log(`warnings about adapters: ${loraWarnings.length}`);
await llama.dispose();
const described = release === "v0.5.0" && loraWarnings.length === 0 &&
    targets.deepseek2.map((target) => effects[`deepseek2-${target}`]).join() === "none,none,none,none,whole,whole,whole,whole" &&
    targets.llama.map((target) => effects[`llama-${target}`]).join() === "whole,whole";
console.log(described ? "as described" : "CHANGED");
process.exitCode = described ? 0 : 1;
JS
node "$tmp/node/run.mjs" "$tmp/models"
