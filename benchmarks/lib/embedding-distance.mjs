// How far an image's embeddings are from those of the same weights in F32, of medinfer and of llama.cpp as it was released.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";

import { Engine } from "medinfer";

import { cachedFile } from "../../test/support/cached-file.mjs";
import { widenGguf } from "../../test/support/gguf.mjs";
import { cacheDir } from "../../test/support/paths.mjs";
import { peer } from "./peers.mjs";

/**
 * The greatest distances over some images, by root mean square and relative: `{ medinfer, peer }`.
 * @param {{ model: string, mmproj: string, threads: string, images: string[] }} given @param {(line: string) => void} log
 */
export async function embeddingDistance({ model, mmproj, threads, images }, log) {
  const nThreads = Number(threads);
  const exact = await embed({ model, mmproj: widened(mmproj, log), nThreads }, images);
  const own = await embed({ model, mmproj, nThreads }, images);
  const encode = peer("encode_image", { gpu: false, log });
  const theirs = images.map((image) => {
    const stdio = ["ignore", "pipe", "ignore"];
    const bytes = execFileSync(encode, [model, mmproj, image, threads], { maxBuffer: 1 << 28, stdio });
    return new Float32Array(Uint8Array.from(bytes).buffer);
  });
  const greatest = (found) => Math.max(...found.map((values, i) => distance(values, exact[i])));
  return { medinfer: greatest(own), peer: greatest(theirs) };
}

/** The same weights in F32, made once. */
function widened(mmproj, log) {
  const file = readFileSync(mmproj);
  const name = `wide-${createHash("sha256").update(file).digest("hex").slice(0, 12)}.gguf`;
  const known = path.join(cacheDir, name);
  if (existsSync(known)) return known;
  log("writing its weights in F32");
  return cachedFile(name, widenGguf(file));
}

async function embed(options, images) {
  const engine = await Engine.load({ ...options, nCtx: 4096, device: "cpu" });
  try {
    const found = [];
    for (const image of images) found.push((await engine.embedImage(image)).values);
    return found;
  } finally {
    await engine.close();
  }
}

function distance(values, exact) {
  if (values.length !== exact.length) throw new Error(`${values.length} values, and in F32 ${exact.length}`);
  let [off, size] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    off += (values[i] - exact[i]) ** 2;
    size += exact[i] ** 2;
  }
  return Math.sqrt(off / size);
}
