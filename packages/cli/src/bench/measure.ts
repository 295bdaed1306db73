/** How fast a model is on this machine. */
import { readdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Engine, GenerationResult } from "medinfer";

export interface BenchPlan {
  /** Tokens of each prompt, and of each answer. */
  promptTokens: number;
  answerTokens: number;
  /** How often each is measured, after a run that does not count. */
  repeat: number;
  /** Requests at once. */
  concurrency: number;
  /** Files; undefined: synthetic prescriptions. */
  images: readonly string[] | undefined;
}

/** Medians over the runs. */
export interface BenchResult {
  /** One request alone. */
  promptTokensPerSecond: number;
  firstTokenMs: number;
  answerTokensPerSecond: number;
  /** `concurrency` requests at once: the tokens of all their answers by the time of all of it, prompts included. */
  concurrency: number;
  togetherTokensPerSecond: number;
  /** Images read by the encoder alone; undefined: the model reads none. */
  imagesPerSecond?: number;
}

/** @throws MedInferError (rejects) */
export async function measure(engine: Engine, plan: BenchPlan, signal: AbortSignal): Promise<BenchResult> {
  const { answerTokens, repeat, concurrency } = plan;
  const ask = () => generate(engine, plan, signal);
  await ask();
  const alone: GenerationResult[] = [];
  for (let i = 0; i < repeat; i++) alone.push(await ask());
  const together: number[] = [];
  for (let i = 0; i < repeat; i++) {
    const begin = performance.now();
    await Promise.all(Array.from({ length: concurrency }, ask));
    together.push((concurrency * answerTokens * 1000) / (performance.now() - begin));
  }
  const imagesPerSecond = engine.info.vision ? await measureImages(engine, plan, signal) : undefined;
  return {
    promptTokensPerSecond: median(alone.map(({ usage, timings }) => perSecond(usage.promptTokens, timings.prefillMs))),
    firstTokenMs: median(alone.map(({ timings }) => timings.firstTokenMs)),
    answerTokensPerSecond: median(
      alone.map(({ usage, timings }) => perSecond(usage.completionTokens - 1, timings.decodeMs)),
    ),
    concurrency,
    togetherTokensPerSecond: median(together),
    ...(imagesPerSecond === undefined ? {} : { imagesPerSecond }),
  };
}

/** Prompts of random tokens, so that none begins as another did; nothing ends an answer but its length. */
function generate(engine: Engine, plan: BenchPlan, signal: AbortSignal): Promise<GenerationResult> {
  const { promptTokens, answerTokens: nPredict } = plan;
  const { nVocab, endTokens } = engine.info;
  const ends = new Set(endTokens.map(({ id }) => id));
  const prompt = Array.from({ length: promptTokens }, () => {
    let id: number;
    do id = Math.floor(Math.random() * nVocab);
    while (ends.has(id));
    return id;
  });
  return engine.complete({ prompt, nPredict, ignoreEos: true, addSpecial: false, signal }).result;
}

async function measureImages(engine: Engine, { images, repeat }: BenchPlan, signal: AbortSignal): Promise<number> {
  const files = images ?? prescriptions();
  await engine.embedImage(files[0]!, { signal });
  const rates: number[] = [];
  for (let i = 0; i < repeat; i++) {
    const begin = performance.now();
    for (const file of files) await engine.embedImage(file, { signal });
    rates.push(perSecond(files.length, performance.now() - begin));
  }
  return median(rates);
}

/** Those of examples/prescriptions, which the build copies into dist/. */
function prescriptions(): string[] {
  const folder = fileURLToPath(new URL("../prescriptions/", import.meta.url));
  return readdirSync(folder)
    .sort()
    .map((name) => path.join(folder, name));
}

function perSecond(count: number, ms: number): number {
  return ms > 0 ? (1000 * count) / ms : 0;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
