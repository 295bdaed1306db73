import type { Command } from "commander";
import { devices, type ModelInfo } from "medinfer";
import { measure, type BenchPlan, type BenchResult } from "../bench/measure.js";
import { addModelFlags, loadEngine } from "../flags/model-flags.js";
import { withInterrupt } from "../interrupt.js";
import { toCount } from "../numbers.js";
import { printJson, printLine, printTable } from "../output.js";

interface BenchCommandOptions {
  promptTokens: number;
  nPredict: number;
  repeat: number;
  batchSize?: number;
  nCtx?: number;
  image?: string[];
  json?: true;
}

/** Requests at once, where nothing else is said: the library's default. */
const CONCURRENCY = 4;
/** Beside a request's tokens, so that pages have room. */
const SPARE = 64;

const examples = `
Every number is the median over the repeats. The prompts are random tokens, computed anew each time; no image is cached.

Examples:
  medinfer bench
  medinfer bench --model medical-7b.gguf --prompt-tokens 1024 --n-predict 256
  medinfer bench --model medical-7b.gguf --batch-size 16 --json`;

/** `medinfer bench` */
export function addBench(program: Command): void {
  const command = program
    .command("bench")
    .description("measure tokens and images a second of a model on this machine")
    .option("--prompt-tokens <tokens>", "of each prompt", toCount, 256)
    .option("--n-predict <tokens>", "of each answer, 2 or more", toCount, 64)
    .option("--repeat <times>", "how often each is measured", toCount, 3)
    .option(
      "--image <file>",
      "can be repeated; default: four synthetic prescriptions",
      (file, files: string[] = []) => [...files, file],
    )
    .option("--json", "print JSON");
  addModelFlags(command).addHelpText("after", examples).action(run);
}

async function run(options: BenchCommandOptions, command: Command): Promise<void> {
  const { promptTokens, nPredict: answerTokens, repeat, image: images, json } = options;
  if (promptTokens < 1 || answerTokens < 2 || repeat < 1) {
    command.error("--prompt-tokens and --repeat take 1 or more, --n-predict 2 or more");
  }
  const concurrency = options.batchSize ?? CONCURRENCY;
  const plan: BenchPlan = { promptTokens, answerTokens, repeat, concurrency, images };
  const nCtx = options.nCtx ?? concurrency * (promptTokens + answerTokens + SPARE);
  await withInterrupt(async (signal) => {
    const engine = await loadEngine(command, { signal, nCtx, batchSize: concurrency, imageCacheBytes: 0 });
    try {
      const result = await measure(engine, plan, signal);
      if (json) printJson({ model: modelOf(engine.info), devices: devices().map(({ name }) => name), plan, ...result });
      else print(engine.info, plan, result);
    } finally {
      await engine.close();
    }
  });
}

function modelOf({ name, description, parameters, bytes, nGpuLayers }: ModelInfo) {
  return { name, description, parameters, bytes, nGpuLayers };
}

function print(info: ModelInfo, { promptTokens, answerTokens }: BenchPlan, result: BenchResult): void {
  const { concurrency, imagesPerSecond } = result;
  printLine(`${info.name || info.description}, ${(info.parameters / 1e6).toFixed(1)} M parameters`);
  printTable([
    [`prompt of ${promptTokens} tokens`, `${figure(result.promptTokensPerSecond)} tokens/s`],
    ["first token", `${figure(result.firstTokenMs)} ms`],
    [`answer of ${answerTokens} tokens`, `${figure(result.answerTokensPerSecond)} tokens/s`],
    [`${concurrency} requests at once`, `${figure(result.togetherTokensPerSecond)} tokens/s of answers`],
    ...(imagesPerSecond === undefined ? [] : [["images", `${figure(imagesPerSecond)} images/s`]]),
  ]);
}

function figure(value: number): string {
  return value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : value.toFixed(0);
}
