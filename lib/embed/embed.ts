import type { EngineCore } from "../core.js";
import { argumentError } from "../errors.js";
import { requireTask } from "../require-task.js";
import { list, text } from "../validation/fields.js";
import { parse } from "../validation/parse.js";
import { embedOptionsSchema, type EmbedOptions, type ResolvedEmbedOptions } from "./options.js";
import { longestFirst, readTexts, type PlacedText } from "./read-texts.js";
import { shapeRow } from "./row.js";
import { Tally } from "./tally.js";
import type { EmbeddedText, EmbedResult } from "./types.js";

const textsSchema = list(text(), "texts");

/** See Engine.embed. */
export async function embed(
  core: EngineCore,
  given: string | readonly string[],
  options: EmbedOptions,
): Promise<EmbedResult> {
  const call = "engine.embed";
  requireTask(core, "embed", call);
  const { dimensions, ...settings } = resolve(core, call, options);
  const texts = parse(textsSchema, typeof given === "string" ? [given] : given, `${call}: texts`);
  const embeddings = new Array<Float32Array>(texts.length);
  const tally = new Tally();
  for await (const row of readTexts(core, longestFirst(texts), { ...settings, call, list: "texts", query: null })) {
    embeddings[row.index] = shapeRow(row.values, dimensions, settings.normalize);
    tally.add(row);
  }
  return { embeddings, dimensions, truncated: tally.truncated, usage: tally.usage };
}

/** See Engine.embedStream. */
export async function* embedStream(
  core: EngineCore,
  texts: AsyncIterable<string> | Iterable<string>,
  options: EmbedOptions,
): AsyncGenerator<EmbeddedText, void, undefined> {
  const call = "engine.embedStream";
  requireTask(core, "embed", call);
  const { dimensions, ...settings } = resolve(core, call, options);
  if (!isIterable(texts)) throw argumentError(call, "texts", "must be an iterable of strings, and not one string");
  for await (const row of readTexts(core, placed(texts), { ...settings, call, list: "texts", query: null })) {
    const embedding = shapeRow(row.values, dimensions, settings.normalize);
    yield { index: row.index, embedding, tokens: row.tokens, cutTokens: row.cut };
  }
}

function resolve(core: EngineCore, call: string, options: EmbedOptions): ResolvedEmbedOptions & { dimensions: number } {
  const { dimensions = core.info.nRow, ...settings } = parse(embedOptionsSchema, options, `${call}: options`);
  if (dimensions > core.info.nRow) {
    throw argumentError(call, "dimensions", `must be at most the model's, ${core.info.nRow} (got ${dimensions})`);
  }
  return { ...settings, dimensions };
}

function isIterable(texts: unknown): boolean {
  return typeof texts === "object" && texts !== null && (Symbol.asyncIterator in texts || Symbol.iterator in texts);
}

async function* placed(texts: AsyncIterable<string> | Iterable<string>): AsyncGenerator<PlacedText, void, undefined> {
  let index = 0;
  for await (const text of texts) yield { index: index++, text };
}
