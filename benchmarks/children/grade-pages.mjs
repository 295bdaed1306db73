// Reads a folder of pages with the embedded model as JSON, greedily, and grades each value by the truth beside the page.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

import { gradeAnswer } from "@medinfer/extract";
import { Engine } from "medinfer";

import { serve } from "../lib/worker.mjs";

serve({
  /**
   * With `nProbs` of at least 1: of each page its values as { scores, right, invented }, and what is missing.
   * @param {{ folder: string, count: number, prompt: string, jsonSchema: object, nProbs: number }} options
   */
  async read({ folder, count, prompt, jsonSchema, nProbs }) {
    const engine = await Engine.load({ batchSize: 8, nCtx: 12288 });
    const files = readdirSync(folder)
      .filter((name) => name.endsWith(".png"))
      .slice(0, count);
    const rows = files.map((name) => ({ id: name, image: path.join(folder, name) }));
    const options = { prompt, jsonSchema, nProbs, nPredict: 512, sampling: { temperature: 0 }, onError: "throw" };
    const found = { pages: files.length, cut: 0, missing: 0, values: [], seconds: 0 };
    const started = performance.now();
    for await (const { row, text, parsed, logprobs } of engine.annotate(rows, options)) {
      if (nProbs === 0) continue;
      if (parsed === undefined) {
        found.cut++;
        continue;
      }
      const truth = JSON.parse(readFileSync(path.join(folder, row.id.replace(/png$/, "json")), "utf8")).fields;
      const { values, missing } = gradeAnswer({ text, logprobs }, truth);
      found.missing += missing.length;
      found.values.push(...values.map(({ scores, right, invented }) => ({ scores, right, invented })));
    }
    found.seconds = (performance.now() - started) / 1000;
    await engine.close();
    return found;
  },
});
