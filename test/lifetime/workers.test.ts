// Several environments in one process, each with its own engine.
import { test } from "vitest";

import { runQuietChild } from "./run-child.js";

test("two workers and the main thread, an engine each; one worker is terminated", async () => {
  await runQuietChild("two-workers.mjs");
});
