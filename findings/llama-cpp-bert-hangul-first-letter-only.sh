#!/usr/bin/env bash
# llama.cpp's tokenizer for BERT keeps only the first letter of each Korean syllable.
#
# Versions:  node-llama-cpp 3.22.1 (npm) with its prebuilt binary of llama.cpp v0.5.0 and the bundled llama.cpp sources of that release,
#            gguf 0.19.0, tokenizers 0.23.3 (PyPI). Linux, x64 or arm64.
# Expected:  BERT without case decomposes a text (Unicode's NFD) before it strips accents: a Korean syllable becomes its two or three
#            letters, and the vocabulary of models/ggml-vocab-bert-bge.gguf has tokens for these letters. Hugging Face's tokenizer with
#            the same vocabulary gives them all.
# Seen:      llama.cpp's table of decompositions holds a single character for each: the first one. That is enough for "Ä", where the rest
#            is an accent that goes anyway. Of a Korean syllable the vowel and the final consonant are lost without an error: the
#            words for Korea, the Korean script and school get the same two tokens. The same word written with single letters
#            (already decomposed) gets all its tokens.
# Matters:   Different Korean words get equal embeddings, so a search ranks by first consonants only, and a text has fewer tokens than
#            the makers' implementation counts. Each BERT model for which llama.cpp strips accents is concerned, above all the
#            multilingual ones.
#
# Exit status: 0 as described, 1 changed, anything else: could not run.
set -euo pipefail

export PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1
python=${PYTHON:-python3}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

[ "$(uname -s)" = Linux ] || { echo "for Linux only" >&2; exit 2; }
"$python" -m pip install --quiet --no-compile --target "$tmp/python" gguf==0.19.0 tokenizers==0.23.3
npm install --prefix "$tmp/node" --silent --no-audit --no-fund --ignore-scripts --omit=optional node-llama-cpp@3.22.1 \
    "@node-llama-cpp/linux-$(node -p process.arch)@3.22.1"
git clone --quiet -c advice.detachedHead=false "$tmp/node/node_modules/node-llama-cpp/llama/gitRelease.bundle" "$tmp/llama.cpp"
vocabulary=$tmp/llama.cpp/models/ggml-vocab-bert-bge.gguf

cat > "$tmp/texts.json" <<'JSON'
["한국", "한글", "학교", "사람", "소리", "나무와 눈물", "\u1112\u1161\u11ab\u1100\u116e\u11a8", "Äpfel, naïve café"]
JSON

cat > "$tmp/bert.py" <<'PY'
import importlib.metadata
import json
import sys

from gguf import GGUFReader
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

vocabulary, texts, out = sys.argv[1:]
fields = GGUFReader(vocabulary).fields
tokens = fields["tokenizer.ggml.tokens"]
words = [bytes(tokens.parts[at]).decode() for at in tokens.data]


def in_bert(word):
    # llama.cpp marks the pieces at the start of a word, BERT marks the others
    return word if word[0] == "[" and word[-1] == "]" else word[1:] if word[0] == "\u2581" else "##" + word


ids = {in_bert(word): at for at, word in enumerate(words)}
assert len(ids) == len(words)
tokenizer = Tokenizer(models.WordPiece(ids, unk_token="[UNK]"))
tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()


def tokenize(text):
    return tokenizer.encode(text, add_special_tokens=False).ids


# llama.cpp's own test texts and the results that it stores for this vocabulary
inputs = open(vocabulary + ".inp", encoding="utf-8", newline="").read().split("\n__ggml_vocab_test__\n")
outputs = [[int(token) for token in line.split()] for line in open(vocabulary + ".out").read().split("\n")]
checked = [(text, tokens) for text, tokens in zip(inputs, outputs) if text]
json.dump({
    "tokenizers": importlib.metadata.version("tokenizers"),
    "gguf": importlib.metadata.version("gguf"),
    "longest": tokenizer.model.max_input_chars_per_word,
    "checked": len(checked),
    "same": sum(tokenize(text) == tokens for text, tokens in checked),
    "words": list(map(in_bert, words)),
    "tokens": [tokenize(text) for text in json.load(open(texts, encoding="utf-8"))],
}, open(out, "w"))
PY
PYTHONPATH="$tmp/python" "$python" "$tmp/bert.py" "$vocabulary" "$tmp/texts.json" "$tmp/bert.json"

cat > "$tmp/node/compare.mjs" <<'JS'
import {readFileSync} from "node:fs";
import {getLlama, LlamaLogLevel} from "node-llama-cpp";

const [vocabulary, textsJson, bertJson] = process.argv.slice(2);
const texts = JSON.parse(readFileSync(textsJson, "utf8"));
const bert = JSON.parse(readFileSync(bertJson, "utf8"));
const llama = await getLlama({gpu: false, build: "never", progressLogs: false, logLevel: LlamaLogLevel.warn, logger: () => {}});
const model = await llama.loadModel({modelPath: vocabulary, vocabOnly: true});
const tokens = texts.map((text) => [...model.tokenize(text)]);
const {release} = llama.llamaCppRelease;
console.log(`llama.cpp ${release} (${llama.buildType}), tokenizers ${bert.tokenizers}, gguf ${bert.gguf}`);
console.log(`llama.cpp's own test texts: tokenizers gives the stored tokens for ${bert.same} of ${bert.checked}`);
const show = (list) => list.map((token) => bert.words[token]).join(" ");
texts.forEach((text, at) => {
    const mark = String(tokens[at]) === String(bert.tokens[at]) ? "" : "   <-";
    console.log(`  ${JSON.stringify(text)}: tokenizers ${show(bert.tokens[at])} | llama.cpp ${show(tokens[at])}${mark}`);
});
const same = texts.map((_, at) => String(tokens[at]) === String(bert.tokens[at]));
const described = release === "v0.5.0" && bert.same === bert.checked && String(same) === "false,false,false,false,false,false,true,true" &&
    String(tokens[0]) === String(tokens[1]) && String(tokens[0]) === String(tokens[2]) && String(tokens[3]) === String(tokens[4]) &&
    new Set(bert.tokens.slice(0, 5).map(String)).size === 5 && show(tokens[0]) === "\u1112 ##\u1100" &&
    String(bert.tokens[0]) === String(bert.tokens[6]);
await model.dispose();
await llama.dispose();
console.log(described ? "as described" : "CHANGED");
process.exitCode = described ? 0 : 1;
JS
node "$tmp/node/compare.mjs" "$vocabulary" "$tmp/texts.json" "$tmp/bert.json"
