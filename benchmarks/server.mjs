import { fromRoot } from "../test/support/paths.mjs";
import { mediumModel } from "../test/support/random-model.mjs";
import { LlamaServer } from "./lib/llama-server.mjs";
import { median, round } from "./lib/stats.mjs";
import { isMet, markdown, targetTable } from "./lib/targets.mjs";
import { Worker } from "./lib/worker.mjs";

export const about =
  "streams over HTTP: first token, time between tokens and tokens/s of 64 clients, beside llama-server";
export const options = {
  seconds: { type: "string", default: "60" },
  clients: { type: "string", default: "64" },
  threads: { type: "string", default: "2" },
  model: { type: "string", default: "embedded,medium" },
  runs: { type: "string", default: "1" },
};

const MODELS = {
  embedded: { file: () => fromRoot("models", "medinfer-tiny.gguf"), predict: 64 },
  // Random weights have no template.
  medium: { file: mediumModel, predict: 32, chatTemplate: "chatml" },
};
const NAME = "load";
const PROMPT_WORDS = 40;
/** KV cells for each client: prompt, template and answer. */
const CELLS_EACH = 512;
const WARM_UP_SECONDS = 3;
/** Tokens of an answer, short and long: what a request costs and what a token costs are told apart by two loads. */
const CPU_PREDICT = [16, 128];
/** Each of them for this part of the time, with HTTP and without, after all else. */
const CPU_SHARE = 0.2;

/** @param {Record<keyof typeof options, string>} chosen @param {(line: string) => void} log */
export async function run({ seconds, clients, threads, model, runs }, log) {
  const models = {};
  const targets = [];
  for (const name of model.split(",")) {
    const work = { ...MODELS[name], clients: Number(clients), threads: Number(threads), log };
    const figures = { medinfer: [], "llama-server": [] };
    for (let i = 0; i < Number(runs); i++) {
      for (const [system, start] of Object.entries(systems)) {
        const found = await measure(start, work, Number(seconds));
        figures[system].push(found);
        log(`${name}, ${system}: ${JSON.stringify(found)}`);
      }
    }
    const withoutHttp = await measureWithoutHttp(work, Number(seconds));
    const middle = Object.fromEntries(Object.entries(figures).map(([system, found]) => [system, middleOf(found)]));
    if (withoutHttp.microsPerToken !== undefined) {
      const ours = middle.medinfer;
      ours.httpMicrosPerToken = round(ours.microsPerToken - withoutHttp.microsPerToken);
      ours.httpMicrosPerRequest = round(ours.microsPerRequest - withoutHttp.microsPerRequest);
    }
    models[name] = { ...middle, runs: figures };
    targets.push(...targetsOf(name, middle));
    log(`\n${table(middle)}`);
  }
  log(`\n${targetTable(targets)}`);
  return { unit: "ms, tokens/s", seconds, clients, threads, models, targets, ok: targets.every(({ ok }) => ok) };
}

function engineOptions({ file, clients, threads, chatTemplate }) {
  const ctx = { batchSize: clients, nCtx: clients * CELLS_EACH };
  return { model: file(), mmproj: null, ...ctx, nThreads: threads, chatTemplate };
}

const systems = {
  async medinfer({ file, clients, threads, chatTemplate }) {
    const worker = new Worker(new URL("./children/http-server.mjs", import.meta.url));
    const url = await worker.call("start", {
      name: NAME,
      ...engineOptions({ file, clients, threads, chatTemplate }),
    });
    const body = { ignoreEos: true };
    return {
      url,
      body,
      keepAlive: true,
      ask: (name) => worker.call(name),
      close: () => worker.close(),
    };
  },

  async "llama-server"({ file, clients, threads, chatTemplate, log }) {
    const ctx = clients * CELLS_EACH;
    const server = await LlamaServer.start(file(), {
      parallel: clients,
      ctx,
      threads,
      unified: true,
      chatTemplate,
      log,
    });
    const body = { ignore_eos: true };
    // A kept connection is closed by this server between two requests: half of the next ones end in ECONNRESET.
    return { url: server.url, body, keepAlive: false, close: () => server.close() };
  },
};

/** What 64 clients see that each ask again as soon as they are answered, every time with another prompt. */
async function measure(start, work, seconds) {
  const server = await start(work);
  const client = new Worker(new URL("./children/load-client.mjs", import.meta.url));
  try {
    const { url, body, keepAlive, ask } = server;
    const { clients, predict } = work;
    const load = { url, model: NAME, body, keepAlive, clients, predict, promptWords: PROMPT_WORDS };
    await client.call("load", { ...load, seconds: WARM_UP_SECONDS });
    await ask?.("watchDelay");
    const seen = await client.call("load", { ...load, seconds });
    if (ask === undefined) return seen;
    const delay = await ask("delay");
    const cpu = await costOf(CPU_SHARE * seconds, async (more) => {
      await ask("watchThread");
      const { tokens, requests } = await client.call("load", { ...load, ...more });
      return { tokens, requests, ms: await ask("threadMs") };
    });
    return { ...seen, ...delay, ...cpu };
  } finally {
    await client.close();
    await server.close();
  }
}

/** What a request and a token cost the JavaScript thread, in µs: both are unknown in the CPU times of two loads. */
async function costOf(seconds, loadOf) {
  const loads = [];
  for (const predict of CPU_PREDICT) loads.push(await loadOf({ predict, seconds }));
  const [short, long] = loads;
  if (short.ms === undefined) return {};
  const tokenMs =
    (long.ms * short.requests - short.ms * long.requests) /
    (long.tokens * short.requests - short.tokens * long.requests);
  const requestMs = (short.ms - tokenMs * short.tokens) / short.requests;
  return { microsPerRequest: round(1000 * requestMs), microsPerToken: round(1000 * tokenMs) };
}

/** The same for the library alone, in the process of its engine. */
async function measureWithoutHttp({ file, clients, threads, chatTemplate, predict }, seconds) {
  const worker = new Worker(new URL("./children/chat-load.mjs", import.meta.url));
  try {
    await worker.call("start", engineOptions({ file, clients, threads, chatTemplate }));
    const load = { clients, predict, promptWords: PROMPT_WORDS };
    await worker.call("load", { ...load, seconds: WARM_UP_SECONDS });
    return await costOf(CPU_SHARE * seconds, (more) => worker.call("load", { ...load, ...more }));
  } finally {
    await worker.close();
  }
}

function middleOf(runs) {
  const keys = Object.keys(runs[0]);
  return Object.fromEntries(keys.map((key) => [key, round(median(runs.map((run) => run[key])))]));
}

function targetsOf(name, { medinfer: ours, "llama-server": theirs }) {
  const wanted = [
    { what: "errors", value: ours.errors, atMost: 0 },
    { what: "event loop p99, ms", value: ours.eventLoopP99, below: 20 },
    { what: "first token p99 to llama-server's", value: round(ours.firstTokenP99 / theirs.firstTokenP99), atMost: 0.5 },
    { what: "tokens/s to llama-server's", value: round(ours.tokensPerSecond / theirs.tokensPerSecond), atLeast: 1.3 },
    { what: "CPU of HTTP, µs a token", value: ours.httpMicrosPerToken, atMost: 20 },
  ];
  return wanted.map((target) => ({ case: name, ...target, ok: isMet(target) }));
}

function table({ medinfer: ours, "llama-server": theirs }) {
  const keys = [...new Set([...Object.keys(ours), ...Object.keys(theirs)])];
  return markdown([["", "medinfer", "llama-server"], ...keys.map((key) => [key, ours[key] ?? "", theirs[key] ?? ""])]);
}
