// worker.terminate() at any moment: the process lives, no thread is left behind, and the worker ends soon.
import { describe, expect, test } from "vitest";

import { runQuietChild } from "./run-child.js";

/** MEDINFER_TERMINATIONS raises it: how many workers in all are terminated. */
const total = Number(process.env.MEDINFER_TERMINATIONS ?? 100);
const phases = ["load", "prefill", "encode", "decode", "embed", "adapters", "images"];

/** The time of one graph node, of freeing a model and of a worker's own end, on a busy machine. */
const SOON_MS = 2000;

interface Report {
  terminations: number;
  late: number;
  slowest: number;
  newThreads: number;
}

describe("worker.terminate()", () => {
  const count = Math.ceil(total / phases.length);
  test.each(phases)(`in mid-%s, ${count} times`, async (phase) => {
    const end = await runQuietChild("terminate.mjs", [phase, String(count)], { timeout: 280_000 });
    const report = end.message as Report;
    expect(report.terminations).toBe(count);
    // The test itself: nearly all hit the phase.
    expect(report.late).toBeLessThanOrEqual(count / 5);
    expect(report.newThreads).toBeLessThanOrEqual(0);
    expect(report.slowest).toBeLessThan(SOON_MS);
  });

  // In between the library of ggml has set its terminate handler, and nobody has called the addon yet.
  test(`while the addon is being opened, ${String(total)} times`, async () => {
    const end = await runQuietChild("terminate.mjs", ["open", String(total)]);
    expect((end.message as Report).newThreads).toBeLessThanOrEqual(0);
  });

  test.each(["idle", "close"])("of an engine that is %s", async (phase) => {
    const end = await runQuietChild("terminate.mjs", [phase, "10"]);
    expect((end.message as Report).newThreads).toBeLessThanOrEqual(0);
  });
});
