/** A worker process: node worker.mjs JSON with { url, schema, leaseSeconds, slots, host, log, ms } */
import path from "node:path";
import process from "node:process";

import { openQueue, work } from "@medinfer/batch";

import { createCompute } from "./compute.mjs";

const { url, schema, leaseSeconds, slots, host, log, ms } = JSON.parse(process.argv[2]);
const ended = new AbortController();
process.on("SIGTERM", () => ended.abort());
process.on("disconnect", () => process.exit(1));
const queue = await openQueue(url, { schema, leaseSeconds, connections: 4 });
process.send?.("open");
await work({
  ...{ queue, slots, host, signal: ended.signal, graceMs: 500 },
  compute: createCompute({ log, ms }),
  quarantine: { module: path.join(import.meta.dirname, "compute.mjs"), data: { log, ms } },
});
await queue.close();
process.exit(0);
