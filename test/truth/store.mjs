// Cases small enough to be committed: what CI compares, without any of the makers' code.
//
// A stored case is one brotli file of a case's files: the line {"name": bytes, …}, then their bytes one after the other.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";

import { fromRoot } from "../support/paths.mjs";

export const storedFolder = fromRoot("test", "truth", "stored");
const ending = ".br";

/** The pictures that stored cases show: one that tilers divide, one that they scale up, one as it is. */
const pictures = ["native", "portrait", "tiny"];
/** Rows that are kept of each reference: enough to find a fault of any kind. */
const MOST_ROWS = 24;

/** Some rows of a file of float32, evenly spread, the first and the last among them. */
function thin(folder, stored) {
  const [count, width] = stored.shape;
  const kept = Math.min(count, MOST_ROWS);
  const rows = Array.from({ length: kept }, (_, i) => Math.round((i * (count - 1)) / Math.max(1, kept - 1)));
  const bytes = readFileSync(path.join(folder, stored.file));
  const picked = rows.map((row) => bytes.subarray(row * width * 4, (row + 1) * width * 4));
  return { about: { ...stored, rows }, bytes: Buffer.concat(picked) };
}

/** Stores the case in `folder` under `name`, such as "text/llama"; returns its size in bytes. */
export function storeCase(folder, name) {
  const about = JSON.parse(readFileSync(path.join(folder, "case.json"), "utf8"));
  const files = new Map();
  const add = (stored) => {
    const { about: thinned, bytes } = thin(folder, stored);
    files.set(stored.file, bytes);
    return thinned;
  };
  if (about.answer) about.answer.logits = add(about.answer.logits);
  if (about.features) {
    const shown = Object.entries(about.features).filter(([picture]) => pictures.includes(picture));
    about.features = Object.fromEntries(shown.map(([picture, stored]) => [picture, add(stored)]));
  }
  for (const file of ["model.gguf", "mmproj.gguf", "native.png"]) {
    if (readdirSync(folder).includes(file)) files.set(file, readFileSync(path.join(folder, file)));
  }
  files.set("case.json", Buffer.from(JSON.stringify(about)));
  const index = Object.fromEntries([...files].map(([file, bytes]) => [file, bytes.length]));
  const all = Buffer.concat([Buffer.from(`${JSON.stringify(index)}\n`), ...files.values()]);
  const params = { [constants.BROTLI_PARAM_LGWIN]: 24, [constants.BROTLI_PARAM_SIZE_HINT]: all.length };
  const packed = brotliCompressSync(all, { params });
  const file = path.join(storedFolder, name + ending);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, packed);
  return packed.length;
}

/** The names of all stored cases. */
export function storedCases() {
  return readdirSync(storedFolder, { recursive: true })
    .map((file) => String(file).split(path.sep).join("/"))
    .filter((file) => file.endsWith(ending))
    .map((file) => file.slice(0, -ending.length))
    .sort();
}

/** Unpacks a stored case into an empty folder. @param {string} name @param {string} folder */
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
}
