import { devices, type Device } from "medinfer";
import { expect, it } from "vitest";

import { printed, printedJson } from "./support.js";

/** Free memory changes from moment to moment. */
const lasting = (found: readonly Device[]) => found.map((device) => ({ ...device, memoryFree: 0 }));

it("prints a line for each device", async () => {
  const lines = (await printed(["devices"])).trimEnd().split("\n");
  expect(lines.length).toBe(devices().length);
  for (const [i, { name, backend, description }] of devices().entries()) {
    expect(lines[i]).toMatch(new RegExp(`^${name} +${backend} +[\\d.]+ [KMGT]iB free of [\\d.]+ [KMGT]iB  `));
    expect(lines[i]).toContain(description);
  }
});

it("prints what devices() returns with --json", async () => {
  expect(lasting((await printedJson(["devices", "--json"])) as Device[])).toEqual(lasting(devices()));
});
