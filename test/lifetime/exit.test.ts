// The process ends while an engine works: with its own exit code, and without a word.
import { describe, expect, test } from "vitest";

import { runQuietChild } from "./run-child.js";

describe.each([
  ["process.exit()", "exit"],
  ["process.exit() from a timer", "later"],
  ["process.exit() with the exit listeners removed", "listener"],
  ["process.reallyExit()", "reallyExit"],
  ["an exception that nobody catches", "uncaught"],
])("%s", (_name, how) => {
  test.each(["load", "prefill", "encode", "decode", "close", "idle"])("in mid-%s", async (phase) => {
    for (let i = 0; i < 3; i++) {
      const end = await runQuietChild("exit.mjs", [how, phase], { code: 7 });
      expect(end.ms).toBeLessThan(15_000);
    }
  });
});
