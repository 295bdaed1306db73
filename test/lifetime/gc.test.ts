// Garbage collection without close(): threads end and memory comes back, and nothing that is in use is collected.
import { expect, test } from "vitest";

import { runQuietChild } from "./run-child.js";

const execArgv = ["--expose-gc"];

test.each([
  ["an idle engine is closed", "idle"],
  ["a busy engine stays until its request has ended", "busy"],
  ["images go, and stay where a request has them", "images"],
  ["a load goes on without its object", "load"],
  ["a load that nobody waits for", "dropped"],
])("%s", async (_name, name) => {
  await runQuietChild("gc.mjs", [name], { execArgv });
});

/** More than noise, less than 10 KB a request. */
const GROWTH_MB = 8;

test.each([
  ["1,000 requests", 1000, "text"],
  ["200 requests with images", 200, "image"],
])("memory stays flat over %s", async (_name, count, kind) => {
  const end = await runQuietChild("memory.mjs", [String(count), kind], { execArgv });
  const { warm, end: after } = end.message as { warm: number; end: number };
  expect(after - warm).toBeLessThan(GROWTH_MB);
});
