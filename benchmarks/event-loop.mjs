import { statSync } from "node:fs";

import { largeModel, mediumModel, smallModel } from "../test/support/random-model.mjs";
import { Worker } from "./lib/worker.mjs";

export const about = "how long Node's event loop stands still while a large model loads, and while 8 requests generate";
export const options = { loads: { type: "string", default: "5" } };

/** @param {{ loads: string }} chosen @param {(line: string) => void} log */
export async function run({ loads }, log) {
  const model = largeModel();
  const loading = [];
  const idle = await inChild("idle");
  log(`idle: longest gap ${idle.longestGapMs} ms, p99.9 ${idle.p999Ms} ms`);
  for (let i = 0; i < Number(loads); i++) {
    loading.push(await inChild("load", model));
    log(`load ${i + 1}: ${loading[i].ms} ms, longest gap ${loading[i].longestGapMs} ms`);
  }

  const generating = {};
  for (const [name, file, predict] of [
    ["small", smallModel(), 1500],
    ["medium", mediumModel(), 400],
  ]) {
    generating[name] = await inChild("generate", { model: file, requests: 8, predict });
    const { p999Ms, tokensPerSecond } = generating[name];
    log(`8 requests, ${name}: p99.9 ${p999Ms} ms at ${tokensPerSecond} tok/s`);
  }

  const longestGapWhileLoadingMs = Math.max(...loading.map((each) => each.longestGapMs));
  const p999WhileGeneratingMs = Math.max(...Object.values(generating).map((each) => each.p999Ms));
  return {
    modelMb: Math.round(statSync(model).size / 1e6),
    longestGapWhileLoadingMs,
    p999WhileGeneratingMs,
    ok: longestGapWhileLoadingMs < 20 && p999WhileGeneratingMs < 5,
    idle,
    loading,
    generating,
  };
}

/** A fresh process for every measurement. @param {string} name @param {unknown} [argument] */
async function inChild(name, argument) {
  const worker = new Worker(new URL("./children/event-loop.mjs", import.meta.url));
  try {
    return await worker.call(name, argument);
  } finally {
    await worker.close();
  }
}
