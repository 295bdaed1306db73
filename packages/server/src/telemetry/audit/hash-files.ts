/** A worker: the SHA-256 of files, read one after another as if they were one. */
import { createHash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";

const { files } = workerData as { files: string[] };
const hash = createHash("sha256");
const buffer = Buffer.allocUnsafe(4 * 2 ** 20);
for (const file of files) {
  const handle = openSync(file, "r");
  for (let read; (read = readSync(handle, buffer)) > 0;) hash.update(buffer.subarray(0, read));
  closeSync(handle);
}
parentPort!.postMessage(hash.digest("hex"));
