// The addon believes nothing that it is given: lib/ checks for users, this is for everything else.
import { test } from "vitest";

import { runQuietChild } from "./run-child.js";

test.each([
  ["every option of load()", "options"],
  ["every field of a request", "request"],
  ["methods on other objects", "receiver"],
  ["values of every type to every function", "garbage"],
  ["a getter that throws", "getter"],
  ["images that were read, and what looks like them", "images"],
  ["arguments that change after the call", "copies"],
])("%s", async (_name, name) => {
  await runQuietChild("arguments.mjs", [name]);
});
