/** What embed, embedStream and rerank give. */

/** What many texts took. */
export interface EmbedUsage {
  /** Tokens that were read, special ones included. */
  promptTokens: number;
  /** Of them, those that were in the KV cache, and not computed. */
  cachedTokens: number;
}

/** A text that was too long, and was cut at its end. */
export interface CutText {
  /** Its place among the texts, or documents, from 0. */
  index: number;
  /** Tokens that were read, special ones included. */
  tokens: number;
  /** Tokens that were left out. */
  cutTokens: number;
}

/** The answer of {@link Engine.embed}. */
export interface EmbedResult {
  /** One row for each text, in their order, each of `dimensions` floats. */
  embeddings: Float32Array[];
  dimensions: number;
  /** Texts that were cut, by index; only with `truncate`. */
  truncated: CutText[];
  usage: EmbedUsage;
}

/** One text of {@link Engine.embedStream}. */
export interface EmbeddedText {
  /** Its place among the texts, from 0. */
  index: number;
  embedding: Float32Array;
  /** Tokens that were read, special ones included. */
  tokens: number;
  /** Tokens that were left out at its end; only with `truncate`. */
  cutTokens: number;
}

/** A document and its score. */
export interface RankedDocument {
  /** Its place among the documents, from 0. */
  index: number;
  /**
   * What the model's classifier gives: the higher, the better the document fits. Of a classifier with labels, what it gives
   * for `"yes"`, or else for the first.
   */
  score: number;
  /** What the classifier gives, by label; only where the model's file names several. */
  labels?: Record<string, number>;
}

/** The answer of {@link Engine.rerank}. */
export interface RerankResult {
  /** Best first; equal scores in the order of the documents. */
  results: RankedDocument[];
  /** Documents that were cut, by index; only with `truncate`. */
  truncated: CutText[];
  usage: EmbedUsage;
}
