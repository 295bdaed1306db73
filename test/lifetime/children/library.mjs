// The same through the library: what it holds and lets go of, with --expose-gc.
import assert from "node:assert/strict";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

import { Engine } from "medinfer";

import { fromRoot } from "../../support/paths.mjs";
import { threadCount } from "./thread-count.mjs";
import { until } from "./until.mjs";

/** @type {Record<string, string>} */
const models = JSON.parse(process.env.MEDINFER_LIFETIME_MODELS ?? "{}");

/** @param {import("medinfer").LoadOptions} [changes] */
const load = (changes) =>
  Engine.load({ model: models.tiny, mmproj: null, nGpuLayers: 0, nThreads: 1, nCtx: 8192, ...changes });
const endless = { prompt: "bat cat dog", nPredict: 1800, ignoreEos: true, sampling: { temperature: 0 } };

const cases = {
  // An engine that was used and forgotten is closed.
  async forgotten() {
    // Node starts threads of its own for the first files that it reads.
    await (await load()).close();
    const before = threadCount();
    let collected = 0;
    const registry = new FinalizationRegistry(() => collected++);
    await (async () => {
      for (let i = 0; i < 5; i++) {
        const engine = await load();
        registry.register(engine, i);
        await engine.complete({ ...endless, nPredict: 3 }).result;
      }
    })();
    assert.ok(await until(() => collected === 5 && threadCount() <= before));
  },

  // A generation is enough to keep its engine.
  async generation() {
    const generation = await (async () => (await load()).complete({ ...endless, nPredict: 400 }))();
    const collecting = setInterval(() => globalThis.gc?.(), 1);
    const { finishReason, usage } = await generation.result;
    clearInterval(collecting);
    assert.equal(finishReason, "length");
    assert.equal(usage.completionTokens, 400);
  },

  // A loop that is left early ends its request.
  async left() {
    const engine = await load();
    const generation = engine.complete(endless);
    for await (const event of generation) if (event.type === "text") break;
    await assert.rejects(generation.result, { code: "ABORTED" });
    assert.equal(engine.stats().running, 0);
  },

  // Events that nobody reads on stop their request, and do not keep the process.
  async abandoned() {
    const engine = await load();
    const events = engine.complete(endless)[Symbol.asyncIterator]();
    await events.next();
  },

  async dispose() {
    const engine = await load();
    const { result } = engine.complete(endless);
    const refused = assert.rejects(result, { code: "CLOSED" });
    await Promise.all([engine[Symbol.asyncDispose](), engine.close()]);
    await refused;
  },

  async signal() {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 10);
    await assert.rejects(load({ model: models.large, signal: controller.signal }), { code: "ABORTED" });
  },

  // A worker that streams through the library is terminated.
  async worker() {
    for (let i = 0; i < 10; i++) {
      const worker = new Worker(fileURLToPath(import.meta.url), { workerData: "stream" });
      await once(worker, "message");
      await delay(i);
      await worker.terminate();
    }
  },

  // The product's main job, cut short anywhere between the loading of the model and the last word.
  async prescriptions() {
    for (let i = 0; i < 20; i++) {
      const worker = new Worker(fileURLToPath(import.meta.url), { workerData: "prescriptions" });
      await once(worker, "message");
      await delay(i * 25);
      await worker.terminate();
    }
  },

  async exit() {
    const engine = await load();
    for await (const event of engine.complete(endless)) if (event.type === "text") process.exit(0);
  },
};

const jobs = {
  async stream() {
    const engine = await load();
    for await (const event of engine.complete(endless)) if (event.type === "text") parentPort?.postMessage("text");
  },
  async prescriptions() {
    parentPort?.postMessage("start");
    const engine = await Engine.load({ nThreads: 1 });
    const rows = [0, 1, 2, 3].map((i) => ({ image: fromRoot("examples", "prescriptions", `0000${i}.png`) }));
    const prompt = "Extract demografig, clinical disease and medication informations";
    for await (const { error } of engine.annotate(rows, { prompt })) if (error) throw error;
  },
};

if (isMainThread) await cases[process.argv[2]]();
else await jobs[workerData]();
