/** The examples of the README, as processes of their own. */
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { promisify } from "node:util";

import { expect, test } from "vitest";

import { withoutCpuWarning } from "../../../test/support/node-arguments.mjs";
import { fromRoot } from "../../../test/support/paths.mjs";
import { temporaryFolder } from "./support/queues.js";

const run = promisify(execFile);
const folder = temporaryFolder();
const example = path.join(import.meta.dirname, "..", "examples", "annotate-folder.mjs");

test("the README shows the example that is run here", () => {
  const readme = readFileSync(path.join(import.meta.dirname, "..", "README.md"), "utf8");
  expect(readme).toContain(readFileSync(example, "utf8"));
});

test("annotate-folder: once, and again with nothing to do", async () => {
  const scans = path.join(folder, "scans");
  mkdirSync(scans);
  const names = readdirSync(fromRoot("examples", "prescriptions")).filter((name) => name.endsWith(".png"));
  for (const name of names.slice(0, 3)) cpSync(fromRoot("examples", "prescriptions", name), path.join(scans, name));
  const once = () => run(process.execPath, [withoutCpuWarning, example, scans], { cwd: folder });
  const { stdout } = await once();
  expect(stdout).toMatch(/^3 inputs = \d done \+ \d failed \+ 0 quarantined\n$/);
  const lines = readFileSync(path.join(folder, "rows.jsonl"), "utf8");
  const failures = readFileSync(path.join(folder, "rows.failures.jsonl"), "utf8");
  expect(`${lines}${failures}`.trimEnd().split("\n")).toHaveLength(3);
  const again = await once();
  expect(again.stdout).toBe(stdout);
  expect(readFileSync(path.join(folder, "rows.jsonl"), "utf8")).toBe(lines);
});
