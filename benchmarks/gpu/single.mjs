// One request alone: reading a prompt of 512 tokens, and 128 tokens of an answer to it, beside llama-bench, which decodes at
// the same depth.
import { execFile } from "node:child_process";
import { statSync } from "node:fs";
import { promisify } from "node:util";

import { closing, Medinfer, place } from "../kv/systems.mjs";
import { promptOfTokens } from "../kv/workload.mjs";
import { median, round, summary } from "../lib/stats.mjs";
import { peer } from "../lib/peers.mjs";
import { modelOf } from "./models.mjs";

const PROMPT = 512;
const ANSWER = 128;

/** @param {{ gpu: boolean, quick: boolean, runs: number, limits: object, log: (line: string) => void }} settings */
export async function single({ gpu, quick, runs, limits, log }) {
  const figures = [];
  for (const name of quick ? ["7B"] : ["7B", "8B", "3B-VLM"]) {
    for (const type of quick ? ["f16"] : ["q4_k_m", "f16"]) {
      const model = modelOf(name, type, quick);
      const ours = await medinfer({ model, gpu, runs });
      const theirs = await llamaBench({ model, gpu, runs, log });
      // A token of an answer reads all weights but those of the embeddings; one of a prompt takes two operations for each.
      const bytes = ours.weights;
      figures.push({
        model: `${name} ${type}`,
        loadSeconds: round(ours.loadSeconds),
        fileGb: round(statSync(model).size / 1e9),
        prefill: ours.prefill,
        prefillOverLlamaBench: round(ours.prefill.median / theirs.prefill),
        prefillOfLimit: round((ours.prefill.median * 2 * ours.parameters) / limits.flopPerSecond),
        decode: ours.decode,
        decodeOverLlamaBench: round(ours.decode.median / theirs.decode),
        decodeOfLimit: round((ours.decode.median * bytes) / limits.bytesPerSecond),
        tokenMs: { ...ours.tokenMs, llamaBench: round(1000 / theirs.decode) },
        llamaBench: { prefill: round(theirs.prefill), decode: round(theirs.decode) },
        memory: ours.memory,
      });
      const { prefillOverLlamaBench, decodeOverLlamaBench, tokenMs } = figures.at(-1);
      log(
        `single: ${name} ${type}: ms a token: ${tokenMs.pass} in the pass, ${tokenMs.beside} beside it; llama-bench ${tokenMs.llamaBench}`,
      );
      log(
        `single: ${name} ${type}: ${ours.prefill.median} and ${ours.decode.median} tok/s, of llama-bench ${prefillOverLlamaBench} and ${decodeOverLlamaBench}`,
      );
    }
  }
  return {
    figures,
    rows: figures.map((each) => [
      each.model,
      each.prefill.median,
      each.prefillOverLlamaBench,
      each.prefillOfLimit,
      each.decode.median,
      each.decodeOverLlamaBench,
      each.decodeOfLimit,
      `${each.tokenMs.pass} + ${each.tokenMs.beside}`,
      each.tokenMs.llamaBench,
      each.loadSeconds,
      each.memory.predictedGb,
      each.memory.usedGb,
    ]),
    head: [
      "model",
      "pp512 tok/s",
      "of llama-bench",
      "of the limit",
      "tg128 tok/s",
      "of llama-bench",
      "of the limit",
      "ms a token, in the pass + beside it",
      "llama-bench's",
      "load s",
      "predicted GB",
      "used GB",
    ],
    targets: figures.map((each) => ({
      what: `${each.model}: tg128 over llama-bench`,
      value: each.decodeOverLlamaBench,
      atLeast: 0.97,
    })),
  };
}

async function medinfer({ model, gpu, runs }) {
  const started = performance.now();
  const engine = await Medinfer.load({ ...place(gpu), model, nCtx: 1024, batchSize: 1, kv: { prefixCache: false } });
  const loadSeconds = (performance.now() - started) / 1000;
  return closing(engine, async () => {
    const prefill = [];
    const decode = [];
    const pass = [];
    for (let run = 0; run <= runs; run++) {
      const ask = async (predict) => {
        const { stepMs } = await engine.stats();
        const requests = [{ prompt: promptOfTokens(PROMPT, 100 + run), predict }];
        const { answers } = await engine.run({ requests });
        return { answers, passMs: (await engine.stats()).stepMs - stepMs };
      };
      const reading = await ask(1);
      const { answers, passMs } = await ask(ANSWER + 1);
      const [{ ok, error, prefillMs, decodeMs, tokens }] = answers;
      if (!ok) throw new Error(error);
      if (run === 0) continue; // warms up
      prefill.push((1000 * PROMPT) / prefillMs);
      decode.push((1000 * (tokens - 1)) / decodeMs);
      pass.push((passMs - reading.passMs) / (tokens - 1));
    }
    const passMs = median(pass);
    const of = engine.info.memory.filter((each) => each.device !== "CPU" || !gpu);
    const total = of.reduce((sum, each) => sum + each.weights + each.kv + each.compute + each.projector, 0);
    return {
      loadSeconds,
      prefill: summary(prefill),
      decode: summary(decode),
      // What a token takes in llama.cpp and the device, and in the engine around it: planning, drawing, events.
      tokenMs: { pass: round(passMs), beside: round(1000 / summary(decode).median - passMs) },
      weights: of.reduce((sum, each) => sum + each.weights, 0),
      parameters: engine.info.parameters,
      memory: { predictedGb: round(total / 1e9), usedGb: round(engine.takenBytes / 1e9) },
    };
  });
}

async function llamaBench({ model, gpu, runs, log }) {
  const layers = gpu ? ["-ngl", "999", "-fa", "1"] : ["-ngl", "0", "-dev", "none"];
  const sizes = ["-p", `${PROMPT}`, "-n", `${ANSWER}`, "-r", `${runs}`, "-b", "512"];
  const depths = ["-d", `0,${PROMPT}`];
  const { stdout } = await promisify(execFile)(
    peer("llama-bench", { gpu, log }),
    ["-m", model, "-o", "json", ...layers, ...sizes, ...depths],
    { maxBuffer: 1 << 26 },
  );
  const results = JSON.parse(stdout);
  const rate = (key, depth) => median(results.find((each) => each[key] > 0 && each.n_depth === depth).samples_ts);
  return { prefill: rate("n_prompt", 0), decode: rate("n_gen", PROMPT) };
}
