import { randomUUID } from "node:crypto";
import { readUsageOf, truncatedOf } from "../embeddings/read-usage.js";
import { sendWhenDone } from "../http/long-answer.js";
import { route, type Call } from "../http/route.js";
import type { Serving } from "../serving.js";
import { rerankAnswer, rerankSchema, type RerankBody } from "./rerank-schema.js";

/** POST /v1/rerank, and under the paths that clients of Cohere and vLLM ask. */
export function rerankRoutes(serving: Serving) {
  return ["/v1/rerank", "/v2/rerank", "/rerank"].map((path) =>
    route({
      method: "post",
      path,
      summary: "Documents by how well they answer a query, best first.",
      role: "user",
      body: rerankSchema,
      sentNames: { topN: ["top_n"], returnDocuments: ["return_documents"] },
      answer: rerankAnswer,
      handle: (call) => sendWhenDone(call.outgoing, rank(serving, call)),
    }),
  );
}

async function rank(serving: Serving, call: Call<RerankBody>): Promise<object> {
  const { model, query, top_n: topN, return_documents: withDocuments, truncate, normalize } = call.body;
  const documents = call.body.documents.map((each) => (typeof each === "string" ? each : each.text));
  const { results, truncated, usage } = await serving.read(call, model, "rerank", ({ engine }) =>
    engine.rerank(query, documents, {
      ...(topN ? { topN } : {}),
      ...(truncate ? { truncate } : {}),
      // The scores of a classifier with several labels are from 0 to 1 already.
      normalize: normalize ?? engine.info.labels.length < 2,
      cacheSalt: call.who.cacheSalt,
      signal: call.signal,
    }),
  );
  return {
    id: `rerank-${randomUUID()}`,
    model: serving.models.find(model).name,
    results: results.map(({ index, score }) => ({
      index,
      relevance_score: score,
      ...(withDocuments ? { document: { text: documents[index] } } : {}),
    })),
    usage: readUsageOf(usage),
    ...truncatedOf(truncated),
  };
}
