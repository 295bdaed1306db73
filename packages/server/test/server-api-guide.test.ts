/** The examples of docs/guide/server-api.md, as they stand there. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";

import { describe, expect, test } from "vitest";

import { fromRoot } from "../../../test/support/paths.mjs";
import { post, running } from "./support/running.js";

const { url } = running();
const guide = readFileSync(fromRoot("docs", "guide", "server-api.md"), "utf8");
const place = "http://127.0.0.1:8080";

const blocksOf = (language: string) =>
  [...guide.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms"))].map(([, text]) => text!);

const requests = blocksOf("sh").flatMap((text) =>
  [...text.matchAll(/^curl http:\/\/127\.0\.0\.1:8080(\S+) .*? -d '(.*?)'$/gms)].map(([, path, body]) => [
    path!,
    body!,
  ]),
);

test("has examples", () => {
  expect(requests.length).toBeGreaterThanOrEqual(5);
  expect(blocksOf("js").length).toBeGreaterThanOrEqual(2);
});

describe("a request", () => {
  test.each(requests)("to %s is answered", async (path, body) => {
    const response = await post(url() + path, body);
    expect([response.status, (await response.text()).includes('"error":{')]).toEqual([200, false]);
  });
});

describe("a program", () => {
  test.each(blocksOf("js"))("%#", async (code) => {
    const program = code.replaceAll(place, url());
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", program], {
      cwd: fromRoot("packages", "server"),
      timeout: 60_000,
    });
    expect(stdout).toMatch(/\w/);
  });
});
