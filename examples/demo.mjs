// npm run demo: a text answer, streamed, and then the answers for images, several at once.
//
//   node examples/demo.mjs [--model FILE] [--mmproj FILE] [--image FILE]… [--prompt TEXT]
//                          [--question TEXT] [--chat-template NAME]
//
// Without --model it is the tiny model of the package, which reads the four synthetic prescriptions in
// examples/prescriptions/. It is a demonstration, not for clinical use.
import { readdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { devices, Engine, MedInferError } from "medinfer";

const folder = fileURLToPath(new URL("./prescriptions/", import.meta.url));
const prescriptions = readdirSync(folder)
  .filter((name) => name.endsWith(".png"))
  .sort()
  .map((name) => path.join(folder, name));

const { values: args } = parseArgs({
  options: {
    model: { type: "string" },
    mmproj: { type: "string" },
    image: { type: "string", multiple: true, default: prescriptions },
    prompt: {
      type: "string",
      default: "Extract demografig, clinical disease and medication informations",
    },
    question: { type: "string", default: "What is hypertension?" },
    "chat-template": { type: "string" },
  },
});

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

const ms = (value) => `${value.toFixed(value < 10 ? 1 : 0)} ms`;
const rate = ({ completionTokens }, { decodeMs }) =>
  completionTokens > 1 ? `, ${((1000 * (completionTokens - 1)) / decodeMs).toFixed(0)} tokens/s` : "";

async function load(signal) {
  const begin = performance.now();
  const engine = await Engine.load({
    model: args.model,
    mmproj: args.mmproj ?? "auto",
    // A model of yours brings its own template; the package's own speaks vicuna, as the example does.
    chatTemplate: args["chat-template"] ?? (args.model === undefined ? "vicuna" : undefined),
    batchSize: 4,
    nGpuLayers: 99,
    nCtx: 4096,
    signal,
  });
  const { name, description, parameters, vision } = engine.info;
  const where = devices()
    .map((device) => device.name)
    .join(", ");
  console.log(
    `${name || description}: ${(parameters / 1e6).toFixed(1)} M parameters, ` +
      `${vision ? "reads images" : "text only"}, on ${where}, loaded in ${ms(performance.now() - begin)}`,
  );
  return engine;
}

async function streamAnswer(engine, signal) {
  console.log(`\n> ${args.question}`);
  const messages = [{ role: "user", content: args.question }];
  const generation = engine.chat({ messages, ...settings, nPredict: 200, signal });
  let started = false;
  for await (const event of generation) {
    if (event.type !== "text") continue;
    process.stdout.write(started ? event.text : event.text.trimStart());
    started = true;
  }
  const { usage, timings } = await generation.result;
  console.log(`\n  first token ${ms(timings.firstTokenMs)}, ${usage.completionTokens} tokens${rate(usage, timings)}`);
}

async function readImages(engine, signal) {
  console.log(`\n> ${args.prompt}`);
  const begin = performance.now();
  let count = 0;
  const rows = args.image.map((image) => ({ image }));
  for await (const { row, text, error, usage, timings } of engine.annotate(rows, {
    prompt: args.prompt,
    ...settings,
    signal,
  })) {
    console.log(`\n${path.basename(row.image)}`);
    if (error) {
      console.log(`  ${error.code}: ${error.message}`);
      continue;
    }
    count++;
    console.log(text.trim().replace(/^/gm, "  "));
    console.log(
      `  image ${ms(timings.encodeMs)}, prompt ${ms(timings.prefillMs)}, ` +
        `${usage.completionTokens} tokens in ${ms(timings.decodeMs)}, total ${ms(timings.totalMs)}`,
    );
  }
  console.log(`\n${count} of ${rows.length} images in ${ms(performance.now() - begin)}`);
  if (count < rows.length) process.exitCode = 1;
}

async function main() {
  const controller = new AbortController();
  const stop = () => controller.abort();
  process.once("SIGINT", stop);
  const engine = await load(controller.signal);
  try {
    await streamAnswer(engine, controller.signal);
    if (engine.info.vision) await readImages(engine, controller.signal);
    else console.log("\nNo images: the model has no projector (--mmproj).");
  } finally {
    await engine.close();
    process.off("SIGINT", stop);
  }
}

try {
  await main();
} catch (error) {
  if (!(error instanceof MedInferError)) throw error;
  console.error(`\n${error.code}: ${error.message}`);
  process.exitCode = 1;
}
