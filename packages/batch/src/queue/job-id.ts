import { createHash } from "node:crypto";

/** The namespace of our names, itself made at random once. */
const NAMESPACE = Buffer.from("6f1d5a3e8c4b4f0c9a527d1be0c3f694", "hex");

/**
 * The UUID of a job, version 5 of RFC 9562 (SHA-1 of a namespace and a name): whoever adds a row's turn once more, adds the same
 * job, which is then there already.
 *
 * @param turn how often the row was put into the queue
 */
export function jobId(run: string, row: string, turn: number): string {
  const bytes = createHash("sha1").update(NAMESPACE).update(`${run}\n${row}\n${turn}`).digest().subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x50;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
