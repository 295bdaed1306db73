// Pages that nobody has seen before, read and answered about: images a second beside llama-server as it was released.
import { setTimeout } from "node:timers/promises";

import { fromRoot } from "../test/support/paths.mjs";
import { randomModel, tinyModel } from "../test/support/random-model.mjs";
import { workThrough } from "./lib/at-once.mjs";
import { LlamaServer } from "./lib/llama-server.mjs";
import { embeddingDistance } from "./lib/embedding-distance.mjs";
import { drawPages } from "./lib/pages.mjs";
import { median, round, summary } from "./lib/stats.mjs";
import { isMet, markdown, targetTable } from "./lib/targets.mjs";
import { Worker } from "./lib/worker.mjs";

export const about =
  "images a second, never seen before, one and eight at once, with short answers, beside llama-server of the same release";
export const options = {
  runs: { type: "string", default: "3" },
  model: { type: "string", default: "embedded,siglip" },
  threads: { type: "string", default: "2" },
  pages: { type: "string", default: "" },
};

const embedded = (name) => fromRoot("models", name);

/** The second has the shape of SigLIP-400M at 448 pixels, whose heads of 72 are no multiple of a vector; random weights. */
const MODELS = {
  embedded: {
    model: () => embedded("medinfer-tiny.gguf"),
    mmproj: () => embedded("medinfer-tiny-mmproj.gguf"),
    pages: 24,
    atLeast: 3,
    // Weights of 8 bits are multiplied by activations of 8 bits, in ours as in llama.cpp's products.
    far: { over: "peer", atMost: 1.05 },
  },
  siglip: {
    model: tinyModel,
    mmproj: () =>
      randomModel("llava-mmproj", {
        type: "f16",
        embd: 1152,
        layers: 27,
        heads: 16,
        ff: 4304,
        image: 448,
        patch: 14,
      }),
    chatTemplate: "vicuna",
    // llama-server takes a name that it does not know as the template itself
    peerTemplate: "{% for message in messages %}{{ 'USER: ' + message['content'] + '\\n' }}{% endfor %}ASSISTANT:",
    pages: 8,
    atLeast: 1.5,
    far: { over: "nothing", atMost: 1e-3 },
  },
};
const AT_ONCE = [1, 8];
const ANSWER = 32;
/** Whose embeddings are compared with those of the same weights in F32. */
const FAR_PAGES = 2;
const CTX = 16_384;
/** Idle thread pools spin for a while before they sleep; the next system must not pay for it. */
const SETTLE_MS = 500;

/** @param {Record<keyof typeof options, string>} chosen @param {(line: string) => void} log */
export async function run({ runs, model, threads, pages }, log) {
  const models = {};
  const targets = [];
  for (const name of model.split(",")) {
    const given = MODELS[name];
    const count = pages === "" ? given.pages : Number(pages);
    models[name] = await measure(given, { runs: Number(runs), threads: Number(threads), count }, (line) =>
      log(`${name}: ${line}`),
    );
    for (const atOnce of AT_ONCE) {
      const target = {
        case: `${name}, ${atOnce} at once`,
        what: "images/s over llama-server",
        value: models[name][atOnce].ratio,
        atLeast: given.atLeast,
      };
      targets.push({ ...target, ok: isMet(target) });
    }
    const images = drawPages(FAR_PAGES, log);
    const far = await embeddingDistance({ model: given.model(), mmproj: given.mmproj(), threads, images }, log);
    models[name].far = far;
    const { over, atMost } = given.far;
    const target = {
      case: `${name}, embeddings`,
      what: `distance from F32${over === "peer" ? " over llama.cpp's" : ""}`,
      value: round(over === "peer" ? far.medinfer / far.peer : far.medinfer),
      atMost,
    };
    targets.push({ ...target, ok: isMet(target) });
  }
  const rows = Object.entries(models).flatMap(([name, { far: _, ...found }]) =>
    Object.entries(found).map(([atOnce, { medinfer, peer, ratio }]) => [
      name,
      atOnce,
      medinfer.median,
      peer.median,
      ratio,
    ]),
  );
  log(markdown([["model", "at once", "medinfer", "llama-server", "ratio"], ...rows]));
  const distances = Object.entries(models).map(([name, { far }]) => [name, round(far.medinfer), round(far.peer)]);
  log(markdown([["embeddings' distance from F32", "medinfer", "llama.cpp"], ...distances]));
  log(targetTable(targets));
  return { unit: "images/s", threads, answer: ANSWER, models, targets, ok: targets.every(({ ok }) => ok) };
}

async function measure(given, { runs, threads, count }, log) {
  const [model, mmproj] = [given.model(), given.mmproj()];
  const drawn = drawPages(2 + runs * AT_ONCE.length * count, log);
  const { chatTemplate, peerTemplate } = given;
  const systems = await startSystems({ model, mmproj, threads, chatTemplate, peerTemplate }, log);
  try {
    for (const system of Object.values(systems)) await system.annotate(drawn.splice(0, 1), 1); // warms up
    const found = {};
    for (const atOnce of AT_ONCE) {
      const rates = { medinfer: [], peer: [] };
      for (let run = 0; run < runs; run++) {
        const images = drawn.splice(0, count);
        for (const [name, system] of Object.entries(systems)) {
          await setTimeout(SETTLE_MS);
          const started = performance.now();
          await system.annotate(images, atOnce);
          rates[name].push(round((1000 * images.length) / (performance.now() - started)));
        }
        log(`${atOnce} at once, run ${run + 1}: ${rates.medinfer.at(-1)} and ${rates.peer.at(-1)} images/s`);
      }
      found[atOnce] = {
        medinfer: { ...summary(rates.medinfer), samples: rates.medinfer },
        peer: { ...summary(rates.peer), samples: rates.peer },
        ratio: round(median(rates.medinfer.map((rate, i) => rate / rates.peer[i]))),
      };
    }
    return found;
  } finally {
    await Promise.all(Object.values(systems).map((system) => system.close()));
  }
}

/** Each in a process of its own; only one works at a time. */
async function startSystems({ model, mmproj, threads, chatTemplate, peerTemplate }, log) {
  const parallel = Math.max(...AT_ONCE);
  const engine = new Worker(new URL("./children/image-engine.mjs", import.meta.url));
  await engine.call("load", { model, mmproj, nThreads: threads, nCtx: CTX, batchSize: parallel, chatTemplate });
  const server = await LlamaServer.start(model, {
    parallel,
    ctx: CTX,
    threads,
    unified: true,
    mmproj,
    chatTemplate: peerTemplate,
    log,
  });
  return {
    medinfer: {
      annotate: (images, atOnce) => engine.call("annotate", { images, answer: ANSWER, atOnce }),
      close: () => engine.close(),
    },
    peer: {
      annotate: (images, atOnce) => workThrough(images, atOnce, (image) => server.see(image, ANSWER)),
      close: () => server.close(),
    },
  };
}
