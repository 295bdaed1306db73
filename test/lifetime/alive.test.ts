// A process ends when there is nothing left to wait for: an open engine is nothing, a request is something.
import { expect, test } from "vitest";

import { runQuietChild } from "./run-child.js";

test.each([
  ["an idle engine does not keep the process alive", "idle", "idle"],
  ["a request does, until its end", "pending", "done"],
  ["a request that nobody reads does not", "paused", "paused"],
  ["a cancelled one does", "cancelled", "failed"],
  ["an embedding does", "embedding", "embedded"],
  ["a load does", "load", "loaded"],
  ["a close does", "close", "closed"],
])("%s", async (_name, name, message) => {
  const end = await runQuietChild("alive.mjs", [name]);
  expect(end.message).toBe(message);
  expect(end.ms).toBeLessThan(15_000);
});
