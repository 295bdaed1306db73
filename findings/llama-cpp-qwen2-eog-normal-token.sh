#!/usr/bin/env bash
# llama.cpp ends a generation at a token of Qwen2's vocabulary that is an ordinary one: 128247, "</s>".
#
# Versions:  node-llama-cpp 3.22.1 (npm) with its prebuilt binary of llama.cpp v0.5.0 and the bundled llama.cpp sources of that release,
#            gguf 0.19.0 (PyPI). Linux, x64 or arm64.
# Expected:  models/ggml-vocab-qwen2.gguf names one token as the end, 151643 "<|endoftext|>". Token 128247 "</s>" has the type NORMAL
#            in the file: a piece of text like any other ("</s>" is also a tag of HTML). Sampling it goes on with the text.
# Seen:      llama.cpp finds end tokens by a list of texts, too. It makes 128247 a control token, against the file's type (with a warning
#            in the log), and an end-of-generation token: isEogToken() is true, detokenizing it gives an empty text, and its
#            text is cut out as a special token when prompts are parsed with special tokens.
# Matters:   Code that compares with the makers' implementation, or that takes the end tokens from the file, finds one end token more;
#            a model that samples this token stops without the text that it wrote. How rare that is: the tokenizer itself splits
#            the text "</s>" into three other tokens.
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
vocabulary=$tmp/llama.cpp/models/ggml-vocab-qwen2.gguf

cat > "$tmp/file.py" <<'PY'
import importlib.metadata
import json
import sys

from gguf import GGUFReader, TokenType

fields = GGUFReader(sys.argv[1]).fields
tokens, types = fields["tokenizer.ggml.tokens"], fields["tokenizer.ggml.token_type"]
json.dump({
    "gguf": importlib.metadata.version("gguf"),
    "text": bytes(tokens.parts[tokens.data[128247]]).decode(),
    "type": TokenType(int(types.parts[types.data[128247]][0])).name,
    "end": int(fields["tokenizer.ggml.eos_token_id"].contents()),
}, open(sys.argv[2], "w"))
PY
PYTHONPATH="$tmp/python" "$python" "$tmp/file.py" "$vocabulary" "$tmp/file.json"

cat > "$tmp/node/load.mjs" <<'JS'
import {readFileSync} from "node:fs";
import {getLlama, LlamaLogLevel} from "node-llama-cpp";

const [vocabulary, fileJson] = process.argv.slice(2);
const file = JSON.parse(readFileSync(fileJson, "utf8"));
const warnings = [];
const llama = await getLlama({
    gpu: false, build: "never", progressLogs: false, logLevel: LlamaLogLevel.warn, logger: (level, message) => warnings.push(message),
});
const model = await llama.loadModel({modelPath: vocabulary, vocabOnly: true});
const ends = [...model.iterateAllTokens()].filter((token) => model.isEogToken(token));
const seen = {
    isEogToken: model.isEogToken(128247),
    detokenized: model.detokenize([128247]),
    asText: model.tokenize("</s>"),
    asSpecial: model.tokenize("</s>", true),
};
console.log(`llama.cpp ${llama.llamaCppRelease.release} (${llama.buildType}), gguf ${file.gguf}`);
console.log(`in the file: token 128247 is ${JSON.stringify(file.text)}, type ${file.type}; the end token is ${file.end}`);
console.log("in llama.cpp: end tokens", ends.map((token) => `${token} ${JSON.stringify(model.detokenize([token], true))}`).join(", "));
console.log("in llama.cpp: token 128247", JSON.stringify(seen));
console.log("llama.cpp's warning:", warnings.find((message) => message.includes("128247"))?.trim() ?? "none");
const described = llama.llamaCppRelease.release === "v0.5.0" && file.text === "</s>" && file.type === "NORMAL" && file.end === 151643 &&
    seen.isEogToken && seen.detokenized === "" && seen.asText.length === 3 && String(seen.asSpecial) === "128247";
await model.dispose();
await llama.dispose();
console.log(described ? "as described" : "CHANGED");
process.exitCode = described ? 0 : 1;
JS
node "$tmp/node/load.mjs" "$vocabulary" "$tmp/file.json"
