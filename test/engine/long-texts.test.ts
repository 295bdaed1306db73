// Long texts of shapes that make a recursive or a quadratic reader fail, by every way that text comes in.
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { describe, expect, test } from "vitest";

import { tryLongTexts } from "../support/children/long-texts.mjs";
import { randomModel, vocabularyFile } from "../support/random-model.mjs";

const LIMIT_MS = 2000;
const TIMEOUT_MS = 300_000; // of a busy machine
// Expressions of std::regex, one of which searches for `\s+$`; SentencePiece; no splitting at all.
const VOCABULARIES = ["command-r", "deepseek-llm", "llama-spm", "gemma-4"];

const modelOf = (name: string) => randomModel("llama", { vocab: vocabularyFile(name), embd: 32, layers: 1 });

function expectTaken(trials: Awaited<ReturnType<typeof tryLongTexts>>): void {
  expect(trials.length).toBe(46);
  expect(trials.filter(({ cpuMs }) => cpuMs > LIMIT_MS)).toEqual([]);
  for (const trial of trials) {
    expect(trial.outcome, JSON.stringify(trial)).toMatch(/^(ok|CONTEXT_FULL)$/);
    if (trial.way.startsWith("tokenize")) expect(trial.outcome).toBe("ok");
  }
}

describe.each(VOCABULARIES)("a megabyte of any shape, with %s,", (name) => {
  const options = { model: modelOf(name), bytes: 1_000_000 };

  test("gives tokens or a typed error in time", { timeout: TIMEOUT_MS }, async () => {
    expectTaken(await tryLongTexts(options));
  });

  test("and in a worker with a small stack", { timeout: TIMEOUT_MS }, async () => {
    const worker = new Worker(new URL("../support/children/long-texts.mjs", import.meta.url), {
      workerData: options,
      resourceLimits: { stackSizeMb: 1 },
    });
    const [trials] = await once(worker, "message");
    await once(worker, "exit");
    expectTaken(trials);
  });
});
