// The library on top of the addon: an engine lives as long as somebody needs it, and no longer.
import { test } from "vitest";

import { runQuietChild } from "./run-child.js";

test.each([
  ["an engine that is forgotten is closed", "forgotten"],
  ["a generation keeps its engine", "generation"],
  ["a for await that is left early ends its request", "left"],
  ["events that nobody reads on do not keep the process alive", "abandoned"],
  ["await using", "dispose"],
  ["a signal in mid-load", "signal"],
  ["worker.terminate() in mid-stream", "worker"],
  ["process.exit() in mid-stream", "exit"],
])("%s", async (_name, name) => {
  await runQuietChild("library.mjs", [name], { execArgv: ["--expose-gc"], timeout: 60_000 });
});

test("worker.terminate() of a worker that reads prescriptions with the embedded model", async () => {
  await runQuietChild("library.mjs", ["prescriptions"], { timeout: 120_000 });
});
