import { randomUUID } from "node:crypto";
import * as v from "valibot";
import type { FileStore } from "../files/file-store.js";
import { pageOf, pageSchema } from "../files/page.js";
import { Problem } from "../http/problem.js";
import { route } from "../http/route.js";
import { batchSchema, newBatch } from "./batch.js";
import type { BatchQueue } from "./batch-queue.js";
import type { BatchStore } from "./batch-store.js";

const MOST_LISTED = 100;

const text = (most: number) => v.pipe(v.string(), v.maxLength(most));

/** What routes of batches are made of. */
export interface BatchRouteParts {
  files: FileStore;
  batches: BatchStore;
  queue: BatchQueue;
  /** The paths that lines may ask. */
  endpoints: readonly string[];
}

/** /v1/batches: a tenant's own. */
export function batchRoutes({ files, batches, queue, endpoints }: BatchRouteParts) {
  const createSchema = v.strictObject({
    input_file_id: v.string(),
    endpoint: v.picklist(endpoints),
    completion_window: v.literal("24h"),
    metadata: v.nullish(
      v.pipe(
        v.record(text(64), text(512)),
        v.check((all) => Object.keys(all).length <= 16, "must have at most 16 entries"),
      ),
    ),
  });
  return [
    route({
      method: "post",
      path: "/v1/batches",
      summary: "Answers the requests in a file, behind those that wait for their answer.",
      role: "user",
      body: createSchema,
      answer: batchSchema,
      handle: async ({ body, who }) => {
        const { id: inputFile, purpose } = await files.find(who.tenant, body.input_file_id);
        if (purpose !== "batch") {
          throw new Problem(
            400,
            "invalid_value",
            "input_file_id must be a file that was uploaded for the purpose batch",
            {
              param: "input_file_id",
            },
          );
        }
        const id = `batch_${randomUUID().replaceAll("-", "")}`;
        const batch = newBatch({ id, endpoint: body.endpoint, inputFile, metadata: body.metadata ?? null });
        const kept = await batches.add(who.tenant, batch);
        queue.add(kept);
        return batch;
      },
    }),
    route({
      method: "get",
      path: "/v1/batches",
      summary: "The batches, newest first.",
      role: "user",
      answer: pageSchema(batchSchema),
      handle: async ({ who, query }) => pageOf(await batches.list(who.tenant), query, MOST_LISTED),
    }),
    route({
      method: "get",
      path: "/v1/batches/:batch",
      summary: "How far a batch is.",
      role: "user",
      answer: batchSchema,
      handle: async ({ who, params }) => (await batches.find(who.tenant, params.batch!)).batch,
    }),
    route({
      method: "post",
      path: "/v1/batches/:batch/cancel",
      summary: "Ends a batch. What is answered stays.",
      role: "user",
      answer: batchSchema,
      handle: async ({ who, params }) => {
        const kept = await batches.find(who.tenant, params.batch!);
        await queue.cancel(kept);
        return kept.batch;
      },
    }),
  ];
}
