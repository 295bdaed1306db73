// The systems of the kv benchmark, asked in one way: all requests at once, what each answered, and meanwhile how many
// were being served and how many waited.
import { Worker } from "../lib/worker.mjs";

/** llama.cpp rounds the part of a slot up to this many cells. */
const SLOT_STEP = 256;
/** A slot ends an answer a little before its part is full. */
const SLOT_SPARE = 8;

/** Where engines run. @param {boolean} gpu */
export const place = (gpu) => ({ device: gpu ? "cuda" : "cpu" });

/** An engine in a process of its own. */
export class Medinfer {
  #worker = new Worker(new URL("../children/kv-engine.mjs", import.meta.url));

  /** @param {import("medinfer").LoadOptions} options */
  static async load(options) {
    const engine = new Medinfer();
    Object.assign(engine, await engine.#worker.call("load", options));
    return engine;
  }

  run = (work) => this.#worker.call("run", work);
  stats = () => this.#worker.call("stats");
  countTokens = (text) => this.#worker.call("countTokens", text);
  fork = (options) => this.#worker.call("fork", options);

  async close() {
    await this.#worker.call("close").catch(() => {});
    await this.#worker.close();
  }
}

/**
 * A server whose every slot has room for so many tokens: as many slots as the cells allow, and never more cells.
 * @param {number} cells @param {number} tokens of one request
 */
export function splitInto(cells, tokens) {
  const each = Math.ceil((tokens + SLOT_SPARE) / SLOT_STEP) * SLOT_STEP;
  const parallel = Math.max(1, Math.floor(cells / each));
  return { parallel, ctx: parallel * each };
}

/**
 * All requests at once. With `untilFailure` it returns at the first one that fails, and the others are given up.
 * @param {import("../lib/llama-server.mjs").LlamaServer} server
 * @param {{ requests: { prompt: string, predict: number }[], stream?: boolean, cache?: boolean, inSlots?: boolean,
 *   sampleMs?: number, untilFailure?: boolean }} work
 */
export async function runOnServer(server, { requests, stream, cache, inSlots, sampleMs, untilFailure }) {
  const samples = [];
  let failed;
  const failure = new Promise((resolve) => (failed = resolve));
  const started = performance.now();
  const sample = async () => {
    const { requests_processing: running, requests_deferred: queued } = await server.metrics().catch(() => ({}));
    if (running !== undefined) samples.push({ ms: performance.now() - started, running, queued });
  };
  const timer = sampleMs && setInterval(sample, sampleMs);
  const all = requests.map(async ({ prompt, predict }, i) => {
    try {
      return { ok: true, ...(await server.ask({ prompt, predict, stream, cache, slot: inSlots ? i : -1 })) };
    } catch (error) {
      failed();
      return { ok: false, tokens: 0, error: String(error) };
    }
  });
  const answers = await (untilFailure ? Promise.race([Promise.all(all), failure]) : Promise.all(all));
  clearInterval(timer);
  return { ms: performance.now() - started, answers, samples };
}

/** @template T @param {{ close: () => Promise<void> }} system @param {(system: any) => Promise<T>} work */
export async function closing(system, work) {
  try {
    return await work(system);
  } finally {
    await system.close();
  }
}

/** Those that failed, or got fewer tokens than they asked for. */
export function failures(requests, answers) {
  return requests.filter(({ predict }, i) => !answers[i].ok || answers[i].tokens !== predict).length;
}

/** How many were served at once while others waited: on average, and at most. */
export function inFlight(samples) {
  const busy = samples.filter((each) => each.queued > 0).map((each) => each.running);
  if (busy.length === 0) return { average: NaN, peak: Math.max(0, ...samples.map((each) => each.running)) };
  return { average: busy.reduce((sum, n) => sum + n) / busy.length, peak: Math.max(...busy) };
}
