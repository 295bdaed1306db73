import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

import { fromRoot } from "../test/support/paths.mjs";
import { findPython, runOrThrow } from "./lib/python.mjs";
import { round } from "./lib/stats.mjs";
import { Worker } from "./lib/worker.mjs";

export const about =
  "what the embedded model reads off pages it was never trained on, through the addon and in PyTorch";
export const options = {
  count: { type: "string", default: "200" },
  seed: { type: "string", default: "7" },
  // A folder with the same two files in F16 (train.py leaves them in its --work folder).
  f16: { type: "string" },
  // Also under the sampling of MedicalVisionLLM's published example.
  published: { type: "boolean", default: false },
};

const models = fromRoot("models");
const answerSchema = JSON.parse(readFileSync(fromRoot("models", "answer-schema.json"), "utf8"));
const publishedSampling = {
  temperature: 0.05,
  minP: 0.05,
  topK: 40,
  topP: 0.95,
  repeatPenalty: 1.18,
  repeatLastN: 256,
  seed: 1,
};
const limits = { all: 0.95, layout: 0.9, unseen: 0.8, gap: 0.01 };

/** @param {{ count: string, seed: string, f16?: string, published: boolean }} chosen @param {(line: string) => void} log */
export async function run({ count, seed, f16, published }, log) {
  const python = findPython(log);
  const script = (name, ...args) => runOrThrow(python, [path.join(models, name), ...args]);
  const folder = fromRoot("out", "accuracy", `seed-${Number(seed)}-count-${Number(count)}`);
  const pages = path.join(folder, "pages");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  script("generate.py", "--count", count, "--seed", seed, "--out", pages);
  log(`drew ${count} pages of seed ${seed}`);

  const texts = JSON.parse(
    runOrThrow(python, [
      "-c",
      `import sys, json; sys.path.insert(0, ${JSON.stringify(models)}); from language import texts
print(json.dumps({"prose": texts.EXTRACT_PROMPT, "json": texts.JSON_PROMPT, "questions": texts.QUESTIONS}))`,
    ]),
  );
  const files = readdirSync(pages).filter((name) => name.endsWith(".png"));
  const read = async (what) => {
    const found = await call("read", { folder: pages, files, ...what });
    log(`${Object.keys(found.texts).length} answers, ${round(found.imagesPerSecond)} images/s`);
    return found;
  };
  /** Share of right answers to one question for each page. */
  const ask = async (...which) => {
    const asked = JSON.parse(script("questions.py", pages, ...which));
    const names = Object.keys(asked);
    const { texts: answers } = await read({
      files: names,
      questions: Object.fromEntries(names.map((name) => [name, asked[name].question])),
    });
    return round(names.filter((name) => answers[name].trim() === asked[name].answer).length / names.length);
  };
  const score = (kind, said) => {
    const file = path.join(folder, `${kind}.json`);
    writeFileSync(file, JSON.stringify(said));
    return JSON.parse(
      runOrThrow(python, [
        fromRoot("benchmarks", "children", "score.py"),
        models,
        pages,
        kind === "json" ? "json" : "prose",
        file,
      ]),
    );
  };

  const prose = await read({ prompt: texts.prose });
  const addon = score("prose", prose.texts);
  const json = score("json", (await read({ prompt: texts.json, jsonSchema: answerSchema })).texts);
  const questions = await ask();
  const notStated = await ask("--missing");
  const penalised =
    published && score("published", (await read({ prompt: texts.prose, sampling: publishedSampling })).texts);
  const unquantised = f16 && score("f16", (await read({ prompt: texts.prose, model: pair(f16) })).texts);

  const reference = path.join(folder, "pytorch-texts.json");
  script("evaluate.py", pages, "--json", reference);
  const theirs = JSON.parse(readFileSync(reference, "utf8"));
  const pytorch = score("pytorch", theirs);
  log("read by PyTorch");

  const prompts = texts.questions.map(([question]) => question);
  const said = await call("answer", { prompts });
  const gap = Math.abs(addon.all - pytorch.all);
  const layouts = Object.values(addon.byLayout);
  return {
    count: Number(count),
    seed: Number(seed),
    fieldAccuracy: addon.all,
    worstLayout: Math.min(...layouts),
    unseen: addon.unseen,
    pytorch: pytorch.all,
    gap: round(gap),
    sameText: round(files.filter((name) => theirs[name].trim() === prose.texts[name].trim()).length / files.length),
    ...(unquantised && { f16: unquantised.all, f16Gap: round(Math.abs(addon.all - unquantised.all)) }),
    ...(penalised && { published: penalised.all }),
    jsonParsed: json.parsed,
    jsonAccuracy: json.all,
    questions,
    notStated,
    textAnswers: `${said.filter((text, index) => text === texts.questions[index][1]).length} of ${prompts.length}`,
    imagesPerSecond: round(prose.imagesPerSecond),
    ok:
      addon.all >= limits.all &&
      Math.min(...layouts) >= limits.layout &&
      addon.unseen >= limits.unseen &&
      gap <= limits.gap &&
      json.parsed === 1 &&
      Math.abs(json.all - addon.all) <= limits.gap,
    addon,
    json: { ...json, wrong: json.wrong.length },
  };
}

const pair = (folder) => ({
  decoder: path.resolve(folder, "medinfer-tiny.gguf"),
  projector: path.resolve(folder, "medinfer-tiny-mmproj.gguf"),
});

async function call(name, argument) {
  const worker = new Worker(new URL("./children/read-pages.mjs", import.meta.url));
  try {
    return await worker.call(name, argument);
  } finally {
    await worker.close();
  }
}
