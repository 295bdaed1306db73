/** The examples of the README and the guide, as processes of their own. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

import { withoutCpuWarning } from "../../../test/support/node-arguments.mjs";
import { fromRoot } from "../../../test/support/paths.mjs";

const file = (name: string) => fromRoot("packages", "documents", "examples", name);

test.each([
  ["read-pages.mjs", /^pdf, page 1 of 2: image\/png, 861 x 944, 0 words\npdf, page 2 of 2: [^\n]*\n$/],
  ["annotate-documents.mjs", /^pdf page 1, pdf page 2 [^]*\npdf page 2 Patient: Jacqueline Clarke\n[^]*$/],
])("%s", async (name, prints) => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [withoutCpuWarning, file(name)]);
  expect(stderr).toBe("");
  expect(stdout).toMatch(prints);
});

test.each([
  ["read-pages.mjs", fromRoot("packages", "documents", "README.md")],
  ["annotate-documents.mjs", fromRoot("docs", "guide", "many-documents.md")],
])("%s stands in %s as it is", (name, page) => {
  expect(readFileSync(page, "utf8"), path.basename(page)).toContain(readFileSync(file(name), "utf8").trimEnd());
});
