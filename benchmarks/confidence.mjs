// How well the confidence of a value tells whether it is right, on pages of the embedded model; and what made its calibration.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";

import { confidenceOf, embeddedCalibration, fitCalibration, measureReliability } from "@medinfer/extract";

import { fromRoot } from "../test/support/paths.mjs";
import { findPagePython, runOrThrow } from "./lib/python.mjs";
import { reliabilityChart } from "./lib/reliability-chart.mjs";
import { median, round } from "./lib/stats.mjs";
import { Worker } from "./lib/worker.mjs";

export const about =
  "whether confidences of values tell right from wrong, with the embedded model on pages its calibration was not fitted on";
export const options = {
  // Pages of each seed.
  count: { type: "string", default: "500" },
  seeds: { type: "string", default: "21,22" },
  // Fits the embedded calibration to the pages of these seeds, and writes it; the measure is of the new one.
  fit: { type: "string" },
  // Pages that are read with and without logprobs, to know what they cost.
  cost: { type: "string", default: "60" },
};

const TARGETS = { auc: 0.9, ece: 0.05 };
const COST_RUNS = 3;
/** Confidences below which people may want to look at a value. */
const THRESHOLDS = [0.5, 0.9, 0.95, 0.99];

const jsonSchema = JSON.parse(readFileSync(fromRoot("models", "answer-schema.json"), "utf8"));
const calibrationFile = fromRoot("packages", "extract", "src", "confidence", "embedded-model.json");
const chartFile = fromRoot("docs", "confidence.svg");

/** @param {{ count: string, seeds: string, fit?: string, cost: string }} chosen @param {(line: string) => void} log */
export async function run({ count, seeds, fit, cost }, log) {
  const python = findPagePython(log);
  const prompt = runOrThrow(python, [
    "-c",
    `import sys; sys.path.insert(0, ${JSON.stringify(fromRoot("models"))}); from language import texts
print(texts.JSON_PROMPT, end="")`,
  ]);
  const seedsOf = (list) => list.split(",").map(Number);
  const draw = (seed) => {
    const folder = fromRoot("out", "bench", `confidence-${seed}-${Number(count)}`);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const pages = ["--count", count, "--seed", String(seed), "--out", folder];
    runOrThrow(python, [fromRoot("models", "generate.py"), ...pages]);
    log(`drew ${count} pages of seed ${seed}`);
    return folder;
  };
  const readSeed = async (seed) => {
    const found = await read({ folder: draw(seed), count: Number(count), prompt, jsonSchema, nProbs: 1 });
    log(`read ${found.values.length} values of seed ${seed}`);
    return found;
  };

  let calibration = embeddedCalibration;
  if (fit !== undefined) {
    if (seedsOf(fit).some((seed) => seedsOf(seeds).includes(seed))) {
      throw new Error("--fit and --seeds share a seed: measure on other pages than those that are fitted to");
    }
    const fitted = [];
    for (const seed of seedsOf(fit)) fitted.push(...(await readSeed(seed)).values);
    calibration = fitCalibration(fitted);
    const made = { madeBy: `npm run bench -- confidence --fit ${fit} --count ${count}`, ...calibration };
    writeFileSync(calibrationFile, JSON.stringify(made, null, 2) + "\n");
    log("wrote the calibration: build the package again to have it");
  }

  const bySeed = {};
  const judged = [];
  const counts = { pages: 0, cut: 0, missing: 0, invented: 0 };
  for (const seed of seedsOf(seeds)) {
    const { values, ...rest } = await readSeed(seed);
    const judgedOf = values.map(({ scores, right }) => ({ confidence: confidenceOf(scores, calibration), right }));
    bySeed[seed] = figures(judgedOf);
    judged.push(...values.map((value, i) => ({ ...value, ...judgedOf[i] })));
    for (const each of ["pages", "cut", "missing"]) counts[each] += rest[each];
    counts.invented += values.filter(({ invented }) => invented).length;
  }
  const measured = measureReliability(judged);
  const uncalibrated = judged.map(({ scores, right }) => ({ confidence: confidenceOf(scores), right }));
  const title = "Right values by confidence";
  const subtitle = `${measured.count} values of ${counts.pages} pages, ${measured.wrong} wrong`;
  writeFileSync(chartFile, reliabilityChart({ title, subtitle, bins: measured.bins }));

  return {
    seeds,
    ...counts,
    ...figures(judged),
    bySeed,
    uncalibrated: figures(uncalibrated),
    // Almost all values are sure, and rule the ECE of all: these are the others.
    below90: unsure(judged, 0.9),
    review: THRESHOLDS.map((below) => reviewed(judged, below)),
    bins: measured.bins.map(({ from, count: values, confidence, right }) => ({
      from,
      values,
      ...(values > 0 && { confidence: round(confidence), right: round(right) }),
    })),
    calibration,
    ...(Number(cost) > 0 && { cost: await costOf(draw(seedsOf(seeds)[0]), Number(cost), prompt) }),
    chart: "docs/confidence.svg",
    ok: measured.auc >= TARGETS.auc && measured.ece <= TARGETS.ece,
  };
}

function figures(judged) {
  const { count, wrong, auc, ece, brier } = measureReliability(judged);
  return { values: count, wrong, auc: precise(auc), ece: precise(ece), brier: precise(brier) };
}

/** Of the values below a confidence: how many, how many of them wrong, and how far confidences are off. */
function unsure(judged, below) {
  const { values, wrong, auc, ece } = figures(judged.filter(({ confidence }) => confidence < below));
  return { values, wrong, auc, ece };
}

/** Who looks at every value below a confidence looks at this share of all, and finds this share of the wrong ones. */
function reviewed(judged, below) {
  const looked = judged.filter(({ confidence }) => confidence < below);
  const wrong = judged.filter(({ right }) => !right);
  const found = looked.filter(({ right }) => !right).length;
  return { below, lookedAt: precise(looked.length / judged.length), found: precise(found / wrong.length) };
}

/** Pages a second without logprobs and with them, in turns, each a fresh process. */
async function costOf(folder, count, prompt) {
  const seconds = { without: [], with: [] };
  for (let turn = 0; turn < COST_RUNS; turn++) {
    for (const [kind, nProbs] of [
      ["without", 0],
      ["with", 1],
    ]) {
      seconds[kind].push((await read({ folder, count, prompt, jsonSchema, nProbs })).seconds);
    }
  }
  const [without, withLogprobs] = [median(seconds.without), median(seconds.with)];
  return {
    pages: count,
    pagesPerSecondWithout: round(count / without),
    pagesPerSecondWith: round(count / withLogprobs),
    ratio: round(withLogprobs / without),
  };
}

const precise = (value) => Number(value.toFixed(4));

async function read(argument) {
  const worker = new Worker(new URL("./children/grade-pages.mjs", import.meta.url));
  try {
    return await worker.call("read", argument);
  } finally {
    await worker.close();
  }
}
