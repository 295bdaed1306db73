/** The README's examples, each as a program of its own. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

import { expect, it } from "vitest";

import { withoutCpuWarning } from "../../../test/support/node-arguments.mjs";
import { fromRoot } from "../../../test/support/paths.mjs";

const readme = readFileSync(fromRoot("packages", "extract", "README.md"), "utf8");
const examples = Array.from(readme.matchAll(/```js\n([^]*?)```/g), ([, code]) => code!);

/** A part of what each prints, in the README's order. */
const printed = [
  /patient "\w+ .*" 1 0\.\d{4} model\n/,
  /text: '4,5 mmol\/l'[^]*box: \{ x: 150, y: 100, width: 64, height: 10 \}[^]*source: 'text-layer'/,
  /^sum \{\s+count: 200,\s+wrong: 20,\s+auc: 0\.9\d+,\s+ece: 0\.0\d+\s+\}\n$/,
  /^Patient Condition DocumentReference Device Provenance \[\]\n$/,
  /"value":71\.5,"unit":"kg","system":"http:\/\/unitsofmeasure\.org","code":"kg"/,
];

it("has an example for each output that is looked for", () => {
  expect(examples).toHaveLength(printed.length);
});

it.each(examples.map((code, i) => [i + 1, code] as const))("example %i", (number, code) => {
  const args = [withoutCpuWarning, "--input-type=module", "-e", code];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: fromRoot(), encoding: "utf8" });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(stdout).toMatch(printed[number - 1]!);
});
