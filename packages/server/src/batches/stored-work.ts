import path from "node:path";
import { FileStore } from "../files/file-store.js";
import { FolderLock } from "../files/folder-lock.js";
import { fileRoutes } from "../files/file-routes.js";
import type { Route } from "../http/route.js";
import { wordsOf } from "../openapi/words.js";
import type { Principal } from "../people/principal.js";
import type { Recorder } from "../telemetry/recorder.js";
import type { BatchQueue } from "./batch-queue.js";
import { batchRoutes } from "./batch-routes.js";
import { BatchStore } from "./batch-store.js";
import { LocalQueue } from "./local-queue.js";

/** What a batch may ask, as far as the server has it. */
const endpoints = ["/v1/chat/completions", "/v1/completions", "/v1/embeddings"];

export interface StoredWorkOptions {
  /** Where files and batches are kept: of one server alone. */
  filesFolder: string;
  /** Most bytes of one file. Default 200 MiB. */
  fileLimit?: number | undefined;
  /** Most bytes of all files of one tenant. Default 10 GiB. */
  filesQuota?: number | undefined;
  /** Most requests of a batch that run at once. Default 8. */
  batchConcurrency?: number | undefined;
}

/** Files and batches: their routes, and the queue behind. */
export interface StoredWork {
  routes: Route[];
  queue: BatchQueue;
  /** Gives the folder free. REQUIRES: the queue is closed. */
  release: () => void;
}

/**
 * @param routes those of the server, of which batches ask some
 * @throws MedInferError `INVALID_ARGUMENT` where another server has the folder, or it cannot be written
 */
export function storedWork(
  { filesFolder, fileLimit = 200 * 2 ** 20, filesQuota = 10 * 2 ** 30, batchConcurrency = 8 }: StoredWorkOptions,
  routes: readonly Route[],
  { principalOf, recorder }: { principalOf: (tenant: string) => Principal; recorder: Recorder },
): StoredWork {
  const lock = new FolderLock(filesFolder);
  const files = new FileStore(path.join(filesFolder, "files"), filesQuota);
  const batches = new BatchStore(path.join(filesFolder, "batches"));
  const asked = new Map(routes.filter((each) => endpoints.includes(each.path)).map((each) => [each.path, each]));
  const words = wordsOf(routes);
  const queue = new LocalQueue({
    ...{ files, batches, routes: asked, principalOf },
    ...{ recorder, words, concurrency: batchConcurrency },
  });
  return {
    routes: [
      // Of what is larger than the quota alone, no deletion makes room.
      ...fileRoutes({
        store: files,
        limit: Math.min(fileLimit, filesQuota),
        readerOf: (tenant, id) => batches.readerOf(tenant, id),
      }),
      ...batchRoutes({ files, batches, queue, endpoints: [...asked.keys()] }),
    ],
    queue,
    release: () => lock.release(),
  };
}
