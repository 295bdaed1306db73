import { readdirSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { devices, Engine, type Timings, type Usage } from "medinfer";
import { printLine } from "../output.js";

interface DemoOptions {
  model?: string;
  mmproj?: string;
  image?: string[];
  prompt: string;
  question: string;
  chatTemplate?: string;
}

/** The parameters of MedicalVisionLLM's published example (jsl_meds_vlm_3b_q4_v1). */
const settings = {
  sampling: {
    minKeep: 0,
    minP: 0.05,
    penalizeNl: false,
    repeatLastN: 256,
    repeatPenalty: 1.18,
    temperature: 0.05,
    tfsZ: 1,
    typicalP: 1,
    topK: 40,
    topP: 0.95,
  },
  nPredict: -1,
  nProbs: 0,
  stopStrings: ["</s>", "User:"],
};

/** `medinfer demo` */
export function addDemo(program: Command): void {
  program
    .command("demo")
    .description("stream an answer and read images, several at once; a demonstration, not for clinical use")
    .option("--model <file>", "default: the tiny model inside the package, which reads synthetic prescriptions")
    .option("--mmproj <file>", "the model's projector; default: the one beside it")
    .option(
      "--image <file>",
      "can be repeated; default: four synthetic prescriptions",
      (file, files: string[] = []) => [...files, file],
    )
    .option(
      "--prompt <text>",
      "asked of every image",
      "Extract demografig, clinical disease and medication informations",
    )
    .option("--question <text>", "asked without an image", "What is hypertension?")
    .option("--chat-template <name>", "default: the model's own; of the tiny one vicuna")
    .action(run);
}

async function run(options: DemoOptions): Promise<void> {
  const controller = new AbortController();
  const stop = () => controller.abort();
  process.once("SIGINT", stop);
  const engine = await load(options, controller.signal);
  try {
    await streamAnswer(engine, options.question, controller.signal);
    if (engine.info.vision) await readImages(engine, options, controller.signal);
    else printLine("\nNo images: the model has no projector (--mmproj).");
  } finally {
    await engine.close();
    process.off("SIGINT", stop);
  }
}

async function load({ model, mmproj, chatTemplate }: DemoOptions, signal: AbortSignal): Promise<Engine> {
  const begin = performance.now();
  // A model of the user's brings its own template; the package's own speaks vicuna, as the published example does.
  const template = chatTemplate ?? (model === undefined ? "vicuna" : undefined);
  const engine = await Engine.load({
    ...(model === undefined ? {} : { model }),
    ...(template === undefined ? {} : { chatTemplate: template }),
    mmproj: mmproj ?? "auto",
    batchSize: 4,
    nGpuLayers: 99,
    nCtx: 4096,
    signal,
  });
  const { name, description, parameters, vision } = engine.info;
  const where = devices().map((device) => device.name);
  printLine(
    `${name || description}: ${(parameters / 1e6).toFixed(1)} M parameters, ` +
      `${vision ? "reads images" : "text only"}, on ${where.join(", ")}, loaded in ${ms(performance.now() - begin)}`,
  );
  return engine;
}

async function streamAnswer(engine: Engine, question: string, signal: AbortSignal): Promise<void> {
  printLine(`\n> ${question}`);
  const messages = [{ role: "user", content: question }];
  const generation = engine.chat({ messages, ...settings, nPredict: 200, signal });
  let started = false;
  for await (const event of generation) {
    if (event.type !== "text") continue;
    process.stdout.write(started ? event.text : event.text.trimStart());
    started = true;
  }
  const { usage, timings } = await generation.result;
  printLine(`\n  first token ${ms(timings.firstTokenMs)}, ${usage.completionTokens} tokens${rate(usage, timings)}`);
}

async function readImages(engine: Engine, { image, prompt }: DemoOptions, signal: AbortSignal): Promise<void> {
  printLine(`\n> ${prompt}`);
  const begin = performance.now();
  const rows = (image ?? prescriptions()).map((each) => ({ image: each }));
  let count = 0;
  for await (const { row, text, error, usage, timings } of engine.annotate(rows, { prompt, ...settings, signal })) {
    printLine(`\n${path.basename(row.image)}`);
    // A row that did not fail has both.
    if (error || usage === undefined || timings === undefined) {
      printLine(`  ${error?.code}: ${error?.message}`);
      continue;
    }
    count += 1;
    printLine(text.trim().replace(/^/gm, "  "));
    printLine(
      `  image ${ms(timings.encodeMs)}, prompt ${ms(timings.prefillMs)}, ` +
        `${usage.completionTokens} tokens in ${ms(timings.decodeMs)}, total ${ms(timings.totalMs)}`,
    );
  }
  printLine(`\n${count} of ${rows.length} images in ${ms(performance.now() - begin)}`);
  if (count < rows.length) process.exitCode = 1;
}

/** The pictures of examples/prescriptions, which the build copies here. */
function prescriptions(): string[] {
  const folder = fileURLToPath(new URL("../prescriptions/", import.meta.url));
  return readdirSync(folder)
    .sort()
    .map((name) => path.join(folder, name));
}

const ms = (value: number) => `${value.toFixed(value < 10 ? 1 : 0)} ms`;
const rate = ({ completionTokens }: Usage, { decodeMs }: Timings) =>
  completionTokens > 1 ? `, ${((1000 * (completionTokens - 1)) / decodeMs).toFixed(0)} tokens/s` : "";
