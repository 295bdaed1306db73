import { endianness } from "node:os";
import { sendWhenDone } from "../http/long-answer.js";
import { route, type Call } from "../http/route.js";
import type { Serving } from "../serving.js";
import { embeddingsAnswer, embeddingsSchema, type EmbeddingsBody } from "./embeddings-schema.js";
import { readUsageOf, truncatedOf } from "./read-usage.js";

/** POST /v1/embeddings */
export function embeddingsRoute(serving: Serving) {
  return route({
    method: "post",
    path: "/v1/embeddings",
    summary: "The embeddings of texts, in their order.",
    role: "user",
    body: embeddingsSchema,
    sentNames: { "texts[]": ["input[]", "input…"] },
    answer: embeddingsAnswer,
    handle: (call) => sendWhenDone(call.outgoing, embeddings(serving, call)),
  });
}

/** The answer of POST /v1/embeddings. */
export async function embeddings(serving: Serving, call: Call<EmbeddingsBody>): Promise<object> {
  const { model, input, encoding_format: format, dimensions, truncate } = call.body;
  const { embeddings, truncated, usage } = await serving.read(call, model, "embed", ({ engine }) =>
    engine.embed(input, {
      ...(dimensions ? { dimensions } : {}),
      ...(truncate ? { truncate } : {}),
      cacheSalt: call.who.cacheSalt,
      signal: call.signal,
    }),
  );
  const write = format === "base64" ? base64 : floats;
  return {
    object: "list",
    // In the order of the texts: no client reads the index.
    data: embeddings.map((row, index) => ({ object: "embedding", index, embedding: write(row) })),
    model: serving.models.find(model).name,
    usage: readUsageOf(usage),
    ...truncatedOf(truncated),
  };
}

const floats = (row: Float32Array) => Array.from(row);

function base64(row: Float32Array): string {
  const bytes = Buffer.from(row.buffer, row.byteOffset, row.byteLength);
  return (endianness() === "LE" ? bytes : Buffer.from(bytes).swap32()).toString("base64");
}
