#!/usr/bin/env bash
# @huggingface/gguf cuts strings of valid files where a chunk of what it reads ends, and says nothing.
#
# Versions:  @huggingface/gguf 0.4.6 (npm).
# Expected:  A string of a file's metadata has the bytes that the file has, or there is an error. The package's own limit for a
#            string is 10,000,000 bytes.
# Seen:      It reads in chunks of 2,000,000 bytes, and asks for more before a key if fewer than 500,000 are left. readString() takes
#            buffer.slice(offset, offset + length), which is shorter where the buffer ends; no RangeError is thrown, by which it would
#            know. A string of 3,000,000 bytes comes with 1,999,952, and what follows it is right. So does the last element of an array
#            that ends behind a chunk's end, whatever its length; elements before it are read again, because the next length is missing.
# Matters:   Long chat templates, and the last token or merge of a vocabulary, can be wrong with no error.
#
# Exit status: 0 as described, 1 changed, anything else: could not run.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

npm install --prefix "$tmp" --silent --no-audit --no-fund --ignore-scripts @huggingface/gguf@0.4.6 || exit 2

cat > "$tmp/run.mjs" <<'JS'
import {readFileSync, writeFileSync} from "node:fs";
import {fileURLToPath} from "node:url";
import {gguf} from "@huggingface/gguf";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const {version} = JSON.parse(readFileSync(here("node_modules/@huggingface/gguf/package.json"), "utf8"));
if (version !== "0.4.6") {
    console.error(`@huggingface/gguf is ${version}, not 0.4.6`);
    process.exit(2);
}

const u32 = (n) => Buffer.from(Uint32Array.of(n).buffer);
const u64 = (n) => Buffer.from(BigUint64Array.of(BigInt(n)).buffer);
const text = (value) => Buffer.concat([u64(value.length), Buffer.from(value)]);
const STRING = 8;
const ARRAY = 9;

async function read(name, ...entries) {
    const file = Buffer.concat([Buffer.from("GGUF"), u32(3), u64(0), u64(entries.length), ...entries.flat()]);
    writeFileSync(here(name), file);
    return (await gguf(here(name), {allowLocalFile: true})).metadata;
}

const after = [text("after"), u32(STRING), text("as it was")];
const long = await read("long.gguf", [text("long"), u32(STRING), text("x".repeat(3_000_000))], after);
console.log(`a string of 3000000 bytes: ${long.long.length} of them; the value behind it: ${JSON.stringify(long.after)}`);

// Two elements, the second of 10 bytes, the last of which lies behind byte 2,000,000.
const list = [text("list"), u32(ARRAY), u32(STRING)];
const room = 2_000_001 - 24 - list.reduce((sum, {length}) => sum + length, 0) - 8;
const elements = ["x".repeat(room - 18 - 8), "0123456789"];
const array = await read("array.gguf", [...list, u64(2), ...elements.map(text)], after);
const last = array.list[1];
console.log(`the last element of an array, of 10 bytes: ${JSON.stringify(last)}; the value behind it: ${JSON.stringify(array.after)}`);

const asDescribed = long.long.length === 1_999_952 && long.after === "as it was" && last.length < 10 && array.after === "as it was";
console.log(asDescribed ? "as described" : "CHANGED");
process.exit(asDescribed ? 0 : 1);
JS
node "$tmp/run.mjs"
