/** A process that submits a folder, waits, and computes too where it has slots: node submit.mjs JSON; its report goes to the parent. */
import { readdirSync } from "node:fs";
import path from "node:path";
import process from "node:process";

import { annotateJob, openQueue } from "@medinfer/batch";

import { createCompute } from "./compute.mjs";

const { url, schema, leaseSeconds, slots, host, log, ms, folder, maxKills } = JSON.parse(process.argv[2]);
process.on("disconnect", () => process.exit(1));
const queue = await openQueue(url, { schema, leaseSeconds });
function* sources() {
  for (const name of readdirSync(folder).sort()) yield { path: path.join(folder, name), id: name };
}
const report = await annotateJob({
  ...{ queue, source: sources(), ask: { prompt: "What is on it?", model: "none" }, run: "chaos" },
  quarantine: { maxKills, module: path.join(import.meta.dirname, "compute.mjs"), data: { log, ms } },
  ...(slots > 0 ? { compute: createCompute({ log, ms }), slots, host } : {}),
});
await queue.close();
process.send?.({ report }, () => process.exit(0));
