import { setTimeout as sleep } from "node:timers/promises";

import { median, round, summary } from "./lib/stats.mjs";
import { markdown } from "./lib/targets.mjs";
import { Worker } from "./lib/worker.mjs";

export const about = "CPU time of a scrape of /metrics every 50 ms, with one and with more models, beside /health";
export const options = {
  runs: { type: "string", default: "5" },
  scrapes: { type: "string", default: "50" },
  models: { type: "string", default: "1,4" },
};

const EVERY_MS = 50;
/** `answer`: a request is answered before each, so that times have changed. Its own time is not counted. */
const KINDS = {
  nothing: {},
  "/health": { path: "/health" },
  "/metrics": { path: "/metrics" },
  "/metrics behind an answer": { path: "/metrics", answer: true },
};

/** @param {Record<keyof typeof options, string>} chosen @param {(line: string) => void} log */
export async function run({ runs, scrapes, models }, log) {
  const found = {};
  const rows = [];
  for (const count of models.split(",").map(Number)) {
    const { samples, bytes } = await measure(count, Number(runs), Number(scrapes));
    const health = median(samples["/health"]);
    for (const [kind, micros] of Object.entries(samples)) {
      const { median: middle, min, max } = summary(micros);
      rows.push([count, kind, middle, min, max, round(middle / health)]);
    }
    found[count] = { bytes, samples };
  }
  log(`\n${markdown([["models", "asked for", "µs of CPU", "least", "most", "to /health"], ...rows])}`);
  return { unit: "µs of the server's CPU time", scrapes, models: found };
}

/** The server is a process of its own; kinds take turns, and what nothing costs in the same time is taken off. */
async function measure(count, runs, scrapes) {
  const server = new Worker(new URL("./children/metrics-server.mjs", import.meta.url));
  try {
    const names = Array.from({ length: count }, (_, i) => `model-${i + 1}`);
    const url = await server.call("start", names);
    for (const model of names) await answer(url, model);
    const samples = Object.fromEntries(Object.keys(KINDS).map((kind) => [kind, []]));
    // The first round warms up.
    for (let round = 0; round <= runs; round++) {
      const micros = {};
      for (const [kind, { path, answer: answered }] of Object.entries(KINDS)) {
        let sum = 0;
        for (let i = 0; i < scrapes; i++) {
          if (answered) await answer(url, names[i % count]);
          await server.call("begin");
          if (path !== undefined) await get(url + path);
          await sleep(EVERY_MS);
          sum += await server.call("end");
        }
        micros[kind] = sum / scrapes;
      }
      if (round === 0) continue;
      for (const kind of Object.keys(KINDS))
        samples[kind].push(micros[kind] - (kind === "nothing" ? 0 : micros.nothing));
    }
    return { samples, bytes: (await get(`${url}/metrics`)).length };
  } finally {
    await server.close();
  }
}

async function get(url) {
  const response = await fetch(url);
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${url}: ${response.status}: ${text}`);
  return text;
}

/** A streamed answer, behind which the server is idle again. */
async function answer(url, model) {
  const body = { model, messages: [{ role: "user", content: "What is gout?" }], max_tokens: 8, stream: true };
  const headers = { "content-type": "application/json" };
  await (await fetch(`${url}/v1/chat/completions`, { method: "POST", headers, body: JSON.stringify(body) })).text();
  await sleep(20);
}
