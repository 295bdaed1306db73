// How many requests one pool serves at once, what fragments of it nobody uses, and what happens when too many come.
import { fromRoot } from "../../test/support/paths.mjs";
import { LlamaServer } from "../lib/llama-server.mjs";
import { round } from "../lib/stats.mjs";
import { writeOccupancy } from "./occupancy-svg.mjs";
import { closing, failures, inFlight, Medinfer, runOnServer, splitInto } from "./systems.mjs";
import { chats, longest } from "./workload.mjs";

const SAMPLE_MS = 20;
/** Of the server: what it counts is asked for over HTTP, between its steps. */
const SERVER_SAMPLE_MS = 100;

/** Case 1. Lengths matter here and speed does not: the small model. */
export async function admission({ smallModel, threads, quick, log }) {
  const cells = quick ? 1024 : 8192;
  const limit = cells / 2;
  const requests = chats({ count: quick ? 24 : 96, limit: limit - 8, scale: quick ? 0.125 : 1, seed: 11 });
  const serve = (options, work) =>
    LlamaServer.start(smallModel, { threads, log, ...options }).then((server) =>
      closing(server, (it) => runOnServer(it, { sampleMs: quick ? 5 : SERVER_SAMPLE_MS, ...work })),
    );

  const ours = await closing(
    await Medinfer.load({ model: smallModel, nCtx: cells, nCtxPerRequest: limit, batchSize: 64, nThreads: threads }),
    async (engine) => {
      const { answers, samples, preemptions } = await engine.run({ requests, sampleMs: SAMPLE_MS });
      const { peak } = inFlight(samples);
      const { average } = inFlight(steady(samples, requests.length));
      return { ...rounded({ average, peak }), failed: failures(requests, answers), preemptions };
    },
  );
  log(`1: medinfer ${ours.average} in flight, ${ours.failed} failed`);

  // Its slots are what it is given: a part of the requests is enough to see them full.
  const some = requests.slice(0, Math.ceil(requests.length / 4));
  const split = async (tokens) => {
    const options = splitInto(cells, tokens);
    const { answers, samples } = await serve(options, { requests: some });
    const figures = { slots: options.parallel, ...rounded(inFlight(samples)), failed: failures(some, answers) };
    log(`1: split for ${tokens} tokens each: ${figures.average} in flight, ${figures.failed} failed`);
    return figures;
  };
  const splitByLimit = await split(limit - 8);
  const splitByLongest = await split(longest(requests));

  let unified = { slots: 0, average: 0, peak: 0 };
  let errorsFrom = null;
  for (const slots of [4, 8, 12, 16, 24, 32, 48].filter((each) => each < requests.length)) {
    const options = { parallel: slots, ctx: cells, unified: true };
    const { answers, samples } = await serve(options, { requests, untilFailure: true });
    const ok = answers !== undefined && failures(requests, answers) === 0;
    log(`1: -kvu with ${slots} slots: ${ok ? "no errors" : "errors"}`);
    if (!ok) {
      errorsFrom = slots;
      break;
    }
    unified = { slots, ...rounded(inFlight(samples)) };
  }

  const over = round(ours.average / splitByLimit.average);
  return {
    figures: {
      cells,
      limit,
      longest: longest(requests),
      requests: requests.length,
      medinfer: ours,
      splitByLimit,
      splitByLongest,
      unified: { ...unified, errorsFrom },
      overSplitByLongest: round(ours.average / splitByLongest.average),
    },
    rows: [
      {
        what: `requests in flight in ${cells} cells, average (peak), none failing`,
        medinfer: `${ours.average} (${ours.peak})`,
        split: `${splitByLimit.average} of ${limit} tokens; ${splitByLongest.average} of ${longest(requests)}`,
        unified: `${unified.average} (errors from ${errorsFrom ?? "–"} slots)`,
      },
    ],
    targets: [
      { what: `in flight over split mode with slots of ${limit}`, value: over, atLeast: 5 },
      { what: "failed requests of medinfer", value: ours.failed, atMost: 0 },
    ],
  };
}

/** Case 6. Pages are counted, not time: the small model. */
export async function fragmentation({ smallModel, threads, quick, log }) {
  const cells = quick ? 512 : 8192;
  const requests = chats({ count: quick ? 24 : 96, limit: cells / 2, scale: quick ? 0.125 : 1, seed: 61 });
  const byPageSize = {};
  for (const pageSize of [16, 32, 64]) {
    const options = { model: smallModel, nCtx: cells, batchSize: 64, nThreads: threads, kv: { pageSize } };
    byPageSize[pageSize] = await closing(await Medinfer.load(options), async (engine) => {
      const { samples } = await engine.run({ requests, sampleMs: SAMPLE_MS });
      const busy = steady(samples, requests.length);
      const mean = (value) => round((100 * busy.reduce((sum, each) => sum + value(each), 0)) / busy.length);
      return {
        reported: mean((each) => each.kv.fragmentation),
        counted: mean((each) => 1 - each.kvCellsUsed / (each.kv.pagesUsed * pageSize)),
        samples: busy.length,
      };
    });
    log(`6: pages of ${pageSize}: ${byPageSize[pageSize].reported} %`);
  }
  const list = Object.entries(byPageSize);
  return {
    figures: { percentByPageSize: byPageSize },
    rows: [
      {
        what: "% of the cells in use that nobody holds, by page size",
        medinfer: list.map(([size, { reported, counted }]) => `${size}: ${reported} (${counted})`).join("; "),
      },
    ],
    targets: [{ what: "% fragmentation with pages of 32", value: byPageSize[32].reported, below: 4 }],
  };
}

/**
 * Case 7: so many requests that their tokens would fill the pool twice, all at once. Their answers are about equally long,
 * or the short ones would make room for the long ones in time.
 */
export async function overload({ model, threads, runs, quick, log }) {
  const cells = quick ? 1024 : 4096;
  const limit = cells / 4;
  const drawn = chats({ count: 256, limit: limit - 8, scale: quick ? 0.2 : 0.8, answerSigma: 0.3, seed: 71 });
  const requests = [];
  for (let tokens = 0; tokens < 2 * cells;) {
    const next = drawn[requests.length];
    requests.push(next);
    tokens += next.promptTokens + next.predict;
  }
  const figuresOf = ({ ms, answers }) => {
    const good = requests.filter(({ predict }, i) => answers[i].tokens === predict);
    const tokens = good.reduce((sum, { predict }) => sum + predict, 0);
    return { failed: failures(requests, answers), goodput: round((1000 * tokens) / ms), seconds: round(ms / 1000) };
  };

  const svg = fromRoot("out", "bench", "kv-occupancy.svg");
  const serveOurs = async (swapBytes) =>
    closing(
      await Medinfer.load({ model, nCtx: cells, batchSize: 64, nThreads: threads, kv: { swapBytes } }),
      async (engine) => {
        const result = await engine.run({ requests, sampleMs: SAMPLE_MS });
        if (swapBytes === 0) writeOccupancy(svg, result.samples);
        const { preemptions, promptTokens, kv } = await engine.stats();
        const computed = { promptTokens, tokensSwapped: kv.tokensSwapped };
        return { ...figuresOf(result), ...rounded(inFlight(result.samples)), preemptions, ...computed };
      },
    );
  // What gave way is computed again, or comes back from memory: in turns, because it is about little.
  const again = [];
  const swapped = [];
  for (let run = 0; run < runs; run++) {
    again.push(await serveOurs(0));
    swapped.push(await serveOurs(2 ** 32));
    log(`7: run ${run}: ${again[run].goodput} tok/s computed again, ${swapped[run].goodput} swapped`);
  }
  const middle = (list) => list.toSorted((x, y) => x.goodput - y.goodput)[Math.floor(list.length / 2)];
  const [ours, oursSwapped] = [middle(again), middle(swapped)];
  log(
    `7: medinfer ${ours.failed} of ${requests.length} failed, ${ours.preemptions} preemptions, ${ours.goodput} tok/s`,
  );
  const serve = async (name, options) => {
    const server = await LlamaServer.start(model, { threads, log, ...options });
    const figures = figuresOf(await closing(server, (it) => runOnServer(it, { requests })));
    log(`7: ${name}, ${options.parallel} slots: ${figures.failed} failed, ${figures.goodput} tok/s`);
    return { slots: options.parallel, ...figures };
  };
  const split = await serve("split", splitInto(cells, limit - 8));
  const unified = await serve("-kvu", { parallel: requests.length, ctx: cells, unified: true });
  const said = (each) => `${each.failed} failed, ${each.goodput} tok/s`;
  return {
    figures: {
      cells,
      requests: requests.length,
      medinfer: ours,
      swapped: oursSwapped,
      swapOverRecompute: round(oursSwapped.goodput / ours.goodput),
      split,
      unified,
      svg,
    },
    rows: [
      {
        what: `${requests.length} requests of twice the pool's ${cells} cells: failures, tokens/s of the others`,
        medinfer: `${said(ours)}, ${ours.preemptions} preemptions; swapped ${said(oursSwapped)}`,
        split: `${said(split)} (${split.slots} slots)`,
        unified: `${said(unified)} (${unified.slots} slots)`,
      },
    ],
    targets: [
      {
        what: "failed or unfinished requests of medinfer at twice the load",
        value: Math.max(...[...again, ...swapped].map(({ failed }) => failed)),
        atMost: 0,
      },
    ],
  };
}

/**
 * While others wait, without the beginning: there all are at their beginnings, so more fit than later.
 * @param {{ queued: number, completed: number }[]} samples of an engine that served nobody before
 */
function steady(samples, count) {
  return samples.filter((each) => each.queued > 0 && each.completed >= count / 4);
}

const rounded = ({ average, peak }) => ({ average: round(average), peak });
