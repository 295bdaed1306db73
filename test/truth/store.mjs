// Cases small enough to be committed: what CI compares, without any of the makers' code.
//
// A stored case is one brotli file of a case's files: the line {"name": bytes, …}, then their bytes one after the other.
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";

import { fromRoot } from "../support/paths.mjs";

export const storedFolder = fromRoot("test", "truth", "stored");
const ending = ".br";

/** What stored cases show: a picture that preprocessors divide or scale down, and one that they scale up. */
const pictures = ["portrait", "tiny"];
/** Text models that matter most; all would be more than a repository should hold. Of projectors every kind is stored. */
const textKinds = new Set([
  ...[
    "llama",
    "qwen2",
    "qwen3",
    "qwen3moe",
    "qwen35",
    "gemma2",
    "gemma3",
    "gemma4",
    "phi3",
    "granite",
    "gpt-oss",
    "olmo2",
  ],
  ...["glm4", "deepseek2", "lfm2", "mamba2", "cohere2", "exaone4", "mistral3"],
]);
/** Stored beside the smallest of their kinds: files that are read in other ways. */
const variants = ["vision/mlp_dropped", "vision/mlp_whole", "vision/mlp_next", "vision/internvl"];
/** Models with real weights are far larger. */
const MOST_BYTES = 1 << 24;
/** Rows that are kept of each reference: enough to find a fault of any kind. */
const MOST_ROWS = 24;

/** @param {string} folder @returns {import("./compare.mjs").Case} */
export const readCase = (folder) => JSON.parse(readFileSync(path.join(folder, "case.json"), "utf8"));

/** Some rows of a file of float32, evenly spread, the first and the last among them. */
function thin(folder, stored) {
  const [count, width] = stored.shape;
  const kept = Math.min(count, MOST_ROWS);
  const rows = Array.from({ length: kept }, (_, i) => Math.round((i * (count - 1)) / Math.max(1, kept - 1)));
  const bytes = readFileSync(path.join(folder, stored.file));
  const picked = rows.map((row) => bytes.subarray(row * width * 4, (row + 1) * width * 4));
  return { about: { ...stored, rows }, bytes: Buffer.concat(picked) };
}

/** What would be stored of the case in `folder`. */
export function packCase(folder) {
  const about = readCase(folder);
  const files = new Map();
  const add = (stored) => {
    const { about: thinned, bytes } = thin(folder, stored);
    files.set(stored.file, bytes);
    return thinned;
  };
  // Larger pictures than those are not stored, nor then the answer about one.
  if (about.picture && !pictures.includes(about.picture)) about.answer = null;
  if (about.answer) about.answer.logits = add(about.answer.logits);
  if (about.features) {
    const shown = Object.entries(about.features).filter(([picture]) => pictures.includes(picture));
    about.features = Object.fromEntries(shown.map(([picture, stored]) => [picture, add(stored)]));
  }
  for (const file of ["model.gguf", "mmproj.gguf"]) {
    if (readdirSync(folder).includes(file)) files.set(file, readFileSync(path.join(folder, file)));
  }
  files.set("case.json", Buffer.from(JSON.stringify(about)));
  const index = Object.fromEntries([...files].map(([file, bytes]) => [file, bytes.length]));
  const all = Buffer.concat([Buffer.from(`${JSON.stringify(index)}\n`), ...files.values()]);
  const params = { [constants.BROTLI_PARAM_LGWIN]: 24, [constants.BROTLI_PARAM_SIZE_HINT]: all.length };
  return brotliCompressSync(all, { params });
}

/**
 * Stores the smallest case of each kind, in the place of all that were stored, and the pictures that they show.
 * @param {Map<string, import("./compare.mjs").Case>} cases by name, such as "text/llama"
 * @param {string} folder where they were made
 * @returns {{ cases: number, bytes: number }}
 */
export function storeCases(cases, folder) {
  const smallest = new Map();
  for (const [name, { kind, features }] of cases) {
    if (statSync(path.join(folder, name, features ? "mmproj.gguf" : "model.gguf")).size > MOST_BYTES) continue;
    if (!features && !textKinds.has(kind)) continue;
    const packed = packCase(path.join(folder, name));
    const key = variants.includes(name) ? name : `${features ? "vision" : "text"}/${kind}`;
    if (packed.length < (smallest.get(key)?.packed.length ?? Infinity)) smallest.set(key, { name, packed });
  }
  rmSync(storedFolder, { recursive: true, force: true });
  for (const { name, packed } of smallest.values()) {
    mkdirSync(path.dirname(path.join(storedFolder, name)), { recursive: true });
    writeFileSync(path.join(storedFolder, name + ending), packed);
  }
  for (const picture of pictures) {
    copyFileSync(path.join(folder, "pictures", `${picture}.png`), path.join(storedFolder, `${picture}.png`));
  }
  const bytes = [...smallest.values()].reduce((sum, { packed }) => sum + packed.length, 0);
  return { cases: smallest.size, bytes };
}

/** The names of all stored cases. */
export function storedCases() {
  return readdirSync(storedFolder, { recursive: true })
    .map((file) => String(file).split(path.sep).join("/"))
    .filter((file) => file.endsWith(ending))
    .map((file) => file.slice(0, -ending.length))
    .sort();
}

/**
 * Unpacks a stored case into an empty folder; returns what it is.
 * @param {string} name @param {string} folder @returns {import("./compare.mjs").Case}
 */
export function unpackCase(name, folder) {
  const all = brotliDecompressSync(readFileSync(path.join(storedFolder, name + ending)));
  const line = all.indexOf("\n");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  let at = line + 1;
  for (const [file, length] of Object.entries(JSON.parse(all.subarray(0, line).toString()))) {
    writeFileSync(path.join(folder, file), all.subarray(at, at + length));
    at += length;
  }
  return readCase(folder);
}
