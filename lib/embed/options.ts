/** What embed, embedStream and rerank take. */
import * as v from "valibot";
import { cacheSaltSchema } from "../options/request-options.js";
import { flag, integer, object, signal } from "../validation/fields.js";

/** What the calls have in common. */
interface ReadOptions {
  /**
   * Whether a text with more tokens than `nCtxPerRequest` is cut at its end, which the result tells. Otherwise the call fails
   * with `CONTEXT_FULL`, naming the text and its tokens. Default false.
   */
  truncate?: boolean;
  /** Higher runs first; equal priorities run in the order of their calls. From -1000 to 1000. Default 0. */
  priority?: number;
  /**
   * What a model with a KV cache has read of a text's beginning is shared only where this is equal, see
   * {@link CompleteOptions.cacheSalt}. Default `""`.
   */
  cacheSalt?: string;
  /** Aborting it ends everything that is under way with `ABORTED`. */
  signal?: AbortSignal;
}

/** Options of {@link Engine.embed} and {@link Engine.embedStream}. */
export interface EmbedOptions extends ReadOptions {
  /** Whether every embedding has the length 1, so that a dot product is the cosine. Default true. */
  normalize?: boolean;
  /**
   * The first so many floats of every embedding, which then is normalised again: of a model that was trained for it
   * (Matryoshka). At most `info.nRow`. Default: all.
   */
  dimensions?: number;
}

/** Options of {@link Engine.rerank}. With `truncate`, documents are cut, and never the query. */
export interface RerankOptions extends ReadOptions {
  /** Only the best so many. Default: all. */
  topN?: number;
  /**
   * Whether a score is the logistic function of what the classifier gives, from 0 to 1. Not for a classifier with several
   * labels, whose scores are probabilities already. Default false.
   */
  normalize?: boolean;
}

const readEntries = {
  truncate: v.optional(flag(), false),
  priority: v.optional(integer(-1000, 1000), 0),
  cacheSalt: cacheSaltSchema,
  signal: v.optional(signal()),
};

/** Checks {@link EmbedOptions} and fills in the defaults. */
export const embedOptionsSchema = object({
  normalize: v.optional(flag(), true),
  dimensions: v.optional(integer(1)),
  ...readEntries,
});

/** Checks {@link RerankOptions} and fills in the defaults. */
export const rerankOptionsSchema = object({
  topN: v.optional(integer(1)),
  normalize: v.optional(flag(), false),
  ...readEntries,
});

export type ResolvedEmbedOptions = v.InferOutput<typeof embedOptionsSchema>;
