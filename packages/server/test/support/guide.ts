import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";

import { expect, test } from "vitest";

import { fromRoot } from "../../../../test/support/paths.mjs";

/**
 * Tests that run the first example of each section of a guide, as its reader would run it.
 *
 * @param prints what the sections' examples print, in their order
 * @param at the server that they ask, and the folder that they run in
 */
export function testExamples(
  file: string,
  prints: Readonly<Record<string, RegExp>>,
  at: { url: () => string; folder: string },
): void {
  const page = readFileSync(fromRoot("docs", "guide", file), "utf8");
  const blocks = [...page.matchAll(/^## (.+)\n(?:(?!^## )[^])*?^```sh\n([^]*?)^```$/gm)].map(([, title, code]) => ({
    title: title!,
    code: code!,
  }));

  test("there is an example for each section", () => {
    expect(blocks.map(({ title }) => title)).toEqual(Object.keys(prints));
  });

  test.each(blocks)("$title", async ({ title, code }) => {
    const script = code.replaceAll("http://127.0.0.1:8080", at.url());
    expect(script).toContain(at.url());
    const { stdout, stderr } = await promisify(execFile)("bash", ["--norc", "-euo", "pipefail", "-c", script], {
      cwd: at.folder,
    });
    expect(stderr).toBe("");
    expect(stdout).toMatch(prints[title]!);
  });
}
