import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

import { fromRoot } from "../test/support/paths.mjs";
import { findPython, runOrThrow } from "./lib/python.mjs";
import { round } from "./lib/stats.mjs";
import { Worker } from "./lib/worker.mjs";

export const about =
  "field accuracy of the embedded model on pages it was never trained on, through the addon and in PyTorch";
export const options = {
  count: { type: "string", default: "200" },
  seed: { type: "string", default: "7" },
};

const models = fromRoot("models");

/** @param {{ count: string, seed: string }} chosen @param {(line: string) => void} log */
export async function run({ count, seed }, log) {
  const python = findPython(log);
  const folder = fromRoot("out", "accuracy", `seed-${Number(seed)}-count-${Number(count)}`);
  const pages = path.join(folder, "pages");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  runOrThrow(python, [path.join(models, "generate.py"), "--count", count, "--seed", seed, "--out", pages]);
  log(`drew ${count} pages of seed ${seed}`);

  const question = "import lexicon; print(lexicon.EXTRACT_PROMPT, end='')";
  const prompt = runOrThrow(python, ["-c", `import sys; sys.path.insert(0, ${JSON.stringify(models)}); ${question}`]);
  const { texts, imagesPerSecond } = await read({ folder: pages, prompt, batchSize: 8 });
  log(`addon: ${round(imagesPerSecond)} images/s`);

  const ours = path.join(folder, "addon.json");
  const theirs = path.join(folder, "pytorch.json");
  writeFileSync(ours, JSON.stringify(texts));
  runOrThrow(python, [path.join(models, "evaluate.py"), pages, "--prompt", prompt, "--json", theirs]);
  log("read by PyTorch");

  const scorer = fromRoot("benchmarks", "children", "score.py");
  const scores = runOrThrow(python, [scorer, models, pages, ours, theirs]).trim().split("\n");
  const [addon, pytorch] = scores.map((line) => JSON.parse(line));
  const reference = JSON.parse(readFileSync(theirs, "utf8"));
  const same = Object.keys(reference).filter((name) => reference[name].trim() === texts[name].trim());
  const gap = Math.abs(addon["all fields"] - pytorch["all fields"]);
  return {
    count: Number(count),
    seed: Number(seed),
    fieldAccuracy: round(addon["all fields"]),
    pytorchAccuracy: round(pytorch["all fields"]),
    gap: round(gap),
    ok: addon["all fields"] >= 0.5 && gap <= 0.01,
    sameText: round(same.length / Object.keys(reference).length),
    imagesPerSecond: round(imagesPerSecond),
    addon: rounded(addon),
    pytorch: rounded(pytorch),
  };
}

async function read(options) {
  const worker = new Worker(new URL("./children/read-pages.mjs", import.meta.url));
  try {
    return await worker.call("read", options);
  } finally {
    await worker.close();
  }
}

const rounded = (scores) => Object.fromEntries(Object.entries(scores).map(([key, value]) => [key, round(value)]));
