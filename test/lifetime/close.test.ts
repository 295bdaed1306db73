// close() in every state, and what each method answers then.
import { test } from "vitest";

import { runQuietChild } from "./run-child.js";

test.each([
  ["while requests are pending", "pending"],
  ["while texts are embedded", "embedding"],
  ["twice", "twice"],
  ["during a load", "load"],
  ["at the first event", "first-event"],
  ["inside the event callback", "callback"],
  ["inside a getter of a request", "getter"],
  ["right after each of 50 loads", "again"],
  ["and every other method", "methods"],
])("close() %s", async (_name, name) => {
  await runQuietChild("close.mjs", [name]);
});
