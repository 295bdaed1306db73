import { setTimeout } from "node:timers/promises";

import { mediumModel, randomModel, tinyModel } from "../test/support/random-model.mjs";
import { fromRoot } from "../test/support/paths.mjs";
import { median, round } from "./lib/stats.mjs";
import { withBuild } from "./lib/with-build.mjs";

export const about =
  "decoding and encoding beside another commit's build, each run a fresh process: the ratio of the medians";
export const options = {
  before: { type: "string" },
  runs: { type: "string", default: "9" },
  cases: { type: "string", default: "" },
};

/** Idle threads spin for a while before they sleep; the next system must not pay for it. */
const SETTLE_MS = 300;
/** In one process, after one that warms up: a decoding takes half a second, four pictures take up to ten. */
const MEASUREMENTS = { decode: 5, encode: 1 };

const pictures = [0, 1, 2, 3].map((i) => fromRoot("examples", "prescriptions", `0000${i}.png`));
const tower = { type: "f16", embd: 384, layers: 6, heads: 6, ff: 1536, image: 336, patch: 14 };

/** What is measured, by name. */
const cases = {
  "decode, 1 request": { load: { model: mediumModel, mmproj: null }, decode: { requests: 1, tokens: 128 } },
  "decode, 8 requests": {
    load: { model: mediumModel, mmproj: null, batchSize: 8 },
    decode: { requests: 8, tokens: 48 },
  },
  "decode, 8 requests, F32 cache": {
    load: { model: mediumModel, mmproj: null, batchSize: 8, kv: { type: "f32" } },
    decode: { requests: 8, tokens: 48 },
  },
  "encode, the embedded model": { load: {} },
  "encode, mlp of 384": { load: { model: tinyModel, mmproj: () => randomModel("llava-mmproj", tower) } },
  "encode, qwen2vl of 384": {
    load: {
      model: () => randomModel("qwen2vl", { type: "f32" }),
      mmproj: () => randomModel("qwen2vl-mmproj", tower),
    },
  },
  "encode, internvl of 384": { load: { model: tinyModel, mmproj: () => randomModel("internvl-mmproj", tower) } },
};

const made = (load) =>
  Object.fromEntries(Object.entries(load).map(([key, value]) => [key, typeof value === "function" ? value() : value]));

/**
 * The median of a fresh process. Where a process's weights lie in memory moves its speed by 5 % for as long as it lives:
 * the same build measured twice in two long-lived processes differed by that much.
 */
async function measure(root, given, decode) {
  return await withBuild(root, given, async (build) => {
    const once = () => (decode ? build.call("decode", decode) : build.call("encode", { images: pictures }));
    const seen = [];
    for (let i = 0; i <= MEASUREMENTS[decode ? "decode" : "encode"]; ++i) {
      await setTimeout(SETTLE_MS);
      seen.push(await once());
    }
    return median(seen.slice(1));
  });
}

/**
 * `cases`: those whose names hold this text.
 * @param {{ before?: string, runs: string, cases: string }} options @param {(line: string) => void} log */
export async function run({ before, runs, cases: chosen }, log) {
  if (before === undefined) throw new Error("name a built clone of the other commit: --before DIR");
  const systems = { after: fromRoot(), before };
  const results = {};
  for (const [name, { load, decode }] of Object.entries(cases).filter(([name]) => name.includes(chosen))) {
    const given = { imageCacheBytes: 0, device: "cpu", ...made(load) };
    const pairs = [];
    for (let i = 0; i < Number(runs); ++i) {
      const pair = {};
      for (const system of i % 2 === 0 ? ["before", "after"] : ["after", "before"]) {
        pair[system] = await measure(systems[system], given, decode);
      }
      pairs.push(pair);
    }
    results[name] = {
      after: round(median(pairs.map((pair) => pair.after))),
      before: round(median(pairs.map((pair) => pair.before))),
      ratio: round(median(pairs.map((pair) => pair.after)) / median(pairs.map((pair) => pair.before))),
      pairs: round(median(pairs.map((pair) => pair.after / pair.before))),
    };
    log(`${name}: ${JSON.stringify(results[name])}`);
  }
  return { unit: "tokens/s and images/s", results };
}
