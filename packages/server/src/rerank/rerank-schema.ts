/** The body of the rerank calls, as Cohere and Jina have it, and its answer. */
import * as v from "valibot";
import { readUsageSchema, truncatedSchema } from "../embeddings/read-usage.js";

const MOST_DOCUMENTS = 2048;

const document = v.union([v.string(), v.looseObject({ text: v.string() })], "must be a text, or an object with a text");

export const rerankSchema = v.strictObject({
  model: v.string(),
  query: v.pipe(v.string(), v.minLength(1)),
  documents: v.pipe(v.array(document), v.minLength(1), v.maxLength(MOST_DOCUMENTS)),
  top_n: v.nullish(v.pipe(v.number(), v.integer(), v.minValue(1))),
  return_documents: v.nullish(v.boolean()),
  /** Ours: whether a document that is too long is cut at its end, which the answer then says. */
  truncate: v.nullish(v.boolean()),
  /** Ours: false gives what the model's classifier gives. Default: scores from 0 to 1. */
  normalize: v.nullish(v.boolean()),
});

export type RerankBody = v.InferOutput<typeof rerankSchema>;

export const rerankAnswer = v.object({
  id: v.string(),
  model: v.string(),
  results: v.array(
    v.object({
      index: v.number(),
      relevance_score: v.number(),
      document: v.optional(v.object({ text: v.string() })),
    }),
  ),
  usage: readUsageSchema,
  truncated: v.optional(truncatedSchema),
});
