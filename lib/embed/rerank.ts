import type { EngineCore } from "../core.js";
import { requireTask } from "../require-task.js";
import { list, text } from "../validation/fields.js";
import { parse } from "../validation/parse.js";
import { rerankOptionsSchema, type RerankOptions } from "./options.js";
import { longestFirst, readTexts } from "./read-texts.js";
import { Tally } from "./tally.js";
import type { RankedDocument, RerankResult } from "./types.js";

const documentsSchema = list(text(), "texts");

/** See Engine.rerank. */
export async function rerank(
  core: EngineCore,
  givenQuery: string,
  givenDocuments: readonly string[],
  options: RerankOptions,
): Promise<RerankResult> {
  const call = "engine.rerank";
  requireTask(core, "rerank", call);
  const { topN, normalize, ...settings } = parse(rerankOptionsSchema, options, `${call}: options`);
  const query = parse(text(), givenQuery, `${call}: query`);
  const documents = parse(documentsSchema, givenDocuments, `${call}: documents`);
  const { labels } = core.info;
  const results: RankedDocument[] = [];
  const tally = new Tally();
  for await (const row of readTexts(core, longestFirst(documents), { ...settings, call, list: "documents", query })) {
    results.push(rank(row.index, row.values, labels));
    tally.add(row);
  }
  results.sort((a, b) => b.score - a.score || a.index - b.index);
  const best = results.slice(0, topN);
  // Behind the sorting: the function rounds what is far out to 1.
  if (normalize && core.info.nRow === 1) for (const each of best) each.score = 1 / (1 + Math.exp(-each.score));
  return { results: best, truncated: tally.truncated, usage: tally.usage };
}

function rank(index: number, values: Float32Array, labels: readonly string[]): RankedDocument {
  if (values.length === 1) return { index, score: values[0]! };
  const byLabel = Object.fromEntries(labels.map((label, i) => [label, values[i]!]));
  return { index, score: byLabel["yes"] ?? values[0]!, labels: byLabel };
}
