// What prompts that begin alike cost: users with one long prefix, and forks of one conversation.
import { LlamaServer } from "../lib/llama-server.mjs";
import { median, percentile, round } from "../lib/stats.mjs";
import { closing, failures, Medinfer, place, runOnServer, splitInto } from "./systems.mjs";
import { promptOfTokens } from "./workload.mjs";

/** Case 4: all users at once, and nobody knows the prefix yet. */
export async function sharedPrefix({ model, threads, quick, gpu = false, log }) {
  const users = quick ? 6 : 32;
  const shared = quick ? 200 : 2000;
  const own = 24;
  const predict = quick ? 4 : 16;
  const cells = quick ? 1024 : 8192;
  const prefix = promptOfTokens(shared, 41);
  const requests = Array.from({ length: users }, (_, i) => ({
    prompt: `${prefix} ${promptOfTokens(own + 1, 410 + i)}`,
    predict,
  }));
  const firstTokens = (answers) => {
    const ms = answers.map((each) => each.firstTokenMs).filter(Number.isFinite);
    return { firstTokenP50Ms: round(percentile(ms, 0.5)), firstTokenP99Ms: round(percentile(ms, 0.99)) };
  };

  let bytesPerCell;
  let parameters;
  const ours = await closing(
    await Medinfer.load({ ...place(gpu), model, nCtx: cells, batchSize: users, nThreads: threads }),
    async (engine) => {
      bytesPerCell = engine.bytesPerCell;
      parameters = engine.info.parameters;
      const { answers, samples, promptTokens } = await engine.run({ requests, stream: true, sampleMs: 10 });
      const fullest = samples.reduce((most, each) => (each.running > most.running ? each : most));
      return {
        prefillTokens: promptTokens,
        ...firstTokens(answers),
        inFlight: fullest.running,
        bytesPerUser: Math.round((fullest.kv.pagesUsed * fullest.kv.pageSize * bytesPerCell) / fullest.running),
        failed: failures(requests, answers),
      };
    },
  );
  log(`4: medinfer read ${ours.prefillTokens} tokens, first token after ${ours.firstTokenP50Ms} ms (median)`);

  // Slots as many as whole requests fit, with or without -kvu, or it would fail; each keeps the prefix for the next.
  const tokens = shared + own + predict;
  const options = splitInto(cells, tokens);
  const serve = async (unified) => {
    const server = await LlamaServer.start(model, { ...options, unified, gpu, cachePrompt: true, threads, log });
    return closing(server, async (it) => {
      const { answers } = await runOnServer(it, { requests, stream: true, cache: true });
      const figures = {
        slots: options.parallel,
        prefillTokens: (await it.metrics()).prompt_tokens_total,
        ...firstTokens(answers),
        bytesPerUser: bytesPerCell * (unified ? tokens : options.ctx / options.parallel),
        failed: failures(requests, answers),
      };
      log(
        `4: ${unified ? "-kvu" : "split"} read ${figures.prefillTokens} tokens, first token ${figures.firstTokenP50Ms}`,
      );
      return figures;
    });
  };
  const split = await serve(false);
  const unified = await serve(true);

  const row = (what, value) => ({ what, medinfer: value(ours), split: value(split), unified: value(unified) });
  const name = `${users} users, ${shared} tokens shared:`;
  return {
    figures: { users, shared, own, predict, cells, parameters, medinfer: ours, split, unified },
    rows: [
      row(`${name} tokens read`, (each) => each.prefillTokens),
      row(`${name} first token p50 / p99, ms`, (each) => `${each.firstTokenP50Ms} / ${each.firstTokenP99Ms}`),
      row(`${name} KV MB per user being served`, (each) => round(each.bytesPerUser / 1e6)),
      row(`${name} served at once`, (each) => each.inFlight ?? each.slots),
      row(`${name} failed`, (each) => each.failed),
    ],
    targets: [
      {
        what: "tokens read over those of one prefix, the questions and a page each",
        value: round(ours.prefillTokens / (shared + users * (own + 32))),
        atMost: 1,
      },
      { what: "failed requests of medinfer with a shared prefix", value: ours.failed, atMost: 0 },
    ],
  };
}

/** Case 5. */
export async function forks({ model, threads, quick, log }) {
  const tokens = quick ? 400 : 4000;
  const count = 8;
  const options = { model, nCtx: quick ? 2048 : 8192, batchSize: count + 1, nThreads: threads };
  const what = `${count} forks after ${tokens} tokens: ms each (median), MB added`;
  return closing(await Medinfer.load(options), async (engine) => {
    const work = { system: "Answer briefly.", content: promptOfTokens(tokens, 51), forks: count, predict: 4 };
    const { ms, pages, tokensReadAfterwards } = await engine.fork(work);
    const { kv } = await engine.stats();
    const bytes = pages * kv.pageSize * engine.bytesPerCell;
    log(`5: ${round(median(ms))} ms each, ${bytes} bytes in all`);
    return {
      figures: { tokens, forks: count, ms: ms.map(round), bytes, tokensReadAfterwards },
      rows: [{ what, medinfer: `${round(median(ms))}, ${round(bytes / 1e6)}` }],
      targets: [
        { what: "bytes added by forks", value: bytes, atMost: 0 },
        { what: "ms of the slowest fork", value: round(Math.max(...ms)), atMost: 1 },
      ],
    };
  });
}
