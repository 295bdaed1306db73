/** The examples of docs/guide/server-contract.md, run as their reader would run them. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";

import { expect, test } from "vitest";

import { fromRoot } from "../../../test/support/paths.mjs";
import { temporaryFolder } from "./support/keys.js";
import { running } from "./support/running.js";

const folder = temporaryFolder();
const { url } = running({ filesFolder: path.join(folder, "files") });

const page = readFileSync(fromRoot("docs", "guide", "server-contract.md"), "utf8");
const blocks = [...page.matchAll(/^## (.+)\n(?:(?!^## )[^])*?^```sh\n([^]*?)^```$/gm)].map(([, title, code]) => ({
  title: title!,
  code: code!,
}));

const prints: Record<string, RegExp> = {
  Forms: /^id created model object choices usage service_tier\n\["application\/json","\[DONE\]"\]\n$/,
  Errors: /^\{"error":\{"message":"[^"]*min_tokens must be at most max_tokens \(10\)[^"]*",.*"param":"min_tokens"/,
  "Packed bodies": /^\{"id":"cmpl-.*"completion_tokens":[1-8],/,
  Files: /^\{"id":"file-\w+","object":"file","bytes":2000,/,
};

test("there is an example for each section", () => {
  expect(blocks.map(({ title }) => title)).toEqual(Object.keys(prints));
});

test.each(blocks)("$title", async ({ title, code }) => {
  const script = code.replaceAll("http://127.0.0.1:8080", url());
  expect(script).toContain(url());
  const { stdout, stderr } = await promisify(execFile)("bash", ["--norc", "-euo", "pipefail", "-c", script], {
    cwd: folder,
  });
  expect(stderr).toBe("");
  expect(stdout).toMatch(prints[title]!);
});
