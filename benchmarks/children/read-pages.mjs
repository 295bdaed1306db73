// Reads a folder of page images with the embedded model, or with files of its shape, greedily, as a user's program would.
import path from "node:path";

import { Engine } from "medinfer";

import { serve } from "../lib/worker.mjs";

const greedy = { nPredict: 512, sampling: { temperature: 0, repeatPenalty: 1 }, onError: "throw" };

const load = (model) =>
  Engine.load({ batchSize: 8, nCtx: 12288, ...(model && { model: model.decoder, mmproj: model.projector }) });

serve({
  /**
   * What it answers to each page: {file name: text}. `questions` has a prompt by file name where they differ; `sampling` is
   * another than greedy.
   * @param {{ folder: string, files: string[], prompt?: string, questions?: Record<string, string>, jsonSchema?: object,
   *   sampling?: object, model?: { decoder: string, projector: string } }} options
   */
  async read({ folder, files, prompt, questions, jsonSchema, sampling = greedy.sampling, model }) {
    const engine = await load(model);
    const rows = files.map((name) => ({
      id: name,
      image: path.join(folder, name),
      prompt: questions?.[name] ?? prompt,
    }));
    const texts = {};
    const started = performance.now();
    for await (const { row, text } of engine.annotate(rows, { ...greedy, sampling, jsonSchema })) {
      texts[row.id] = text;
    }
    const ms = performance.now() - started;
    await engine.close();
    return { texts, imagesPerSecond: (1000 * files.length) / ms };
  },

  /** What it answers without an image. @param {{ prompts: string[] }} options */
  async answer({ prompts }) {
    const engine = await load();
    const texts = [];
    for await (const { text } of engine.annotate(
      prompts.map((prompt) => ({ prompt })),
      greedy,
    )) {
      texts.push(text.trim());
    }
    await engine.close();
    return texts;
  },
});
