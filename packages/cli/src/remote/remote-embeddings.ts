import type { Server } from "./server.js";
import { ServerError } from "./server-error.js";

/** Of one text. */
export interface TextEmbedding {
  index: number;
  embedding: Float32Array | readonly number[];
  /** Undefined: a server does not tell. */
  tokens?: number;
  cutTokens?: number;
}

/** Texts that are asked for at once. */
const BATCH = 64;

/**
 * The embeddings of texts at a server, in the order of the texts, which are taken as they are read.
 *
 * @throws ServerError (from the iteration)
 */
export async function* remoteEmbeddings(
  server: Server,
  model: string,
  texts: AsyncIterable<string> | Iterable<string>,
  { dimensions, truncate }: { dimensions: number | undefined; truncate: boolean },
  signal: AbortSignal,
): AsyncGenerator<TextEmbedding, void, undefined> {
  const more = { ...(dimensions === undefined ? {} : { dimensions }), ...(truncate ? { truncate } : {}) };
  let index = 0;
  for await (const input of batches(texts)) {
    const body = { model, input, encoding_format: "float", ...more };
    const { data } = (await server.post("/v1/embeddings", body, signal)) as { data: { embedding: number[] }[] };
    if (data.length !== input.length) {
      throw new ServerError("SERVER_ANSWER", `the server gives ${data.length} embeddings of ${input.length} texts`);
    }
    for (const { embedding } of data) yield { index: index++, embedding };
  }
}

async function* batches(texts: AsyncIterable<string> | Iterable<string>): AsyncGenerator<string[], void, undefined> {
  let batch: string[] = [];
  for await (const text of texts) {
    batch.push(text);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
