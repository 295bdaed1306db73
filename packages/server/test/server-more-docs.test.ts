/** The examples of docs/guide/server-more.md, run as their reader would run them. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

import { afterAll, expect, test } from "vitest";

import { fromRoot } from "../../../test/support/paths.mjs";
import { randomModel } from "../../../test/support/random-model.mjs";
import { model, running } from "./support/running.js";

const folder = mkdtempSync(path.join(tmpdir(), "medinfer-docs-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const { url } = running({
  models: [
    { name: model, nThreads: 1, keepLoaded: true },
    { name: "my-embedder", task: "embed", pooling: "mean", nThreads: 1 },
    { name: "my-reranker", task: "rerank", model: randomModel("bert", { pooling: "rank", labels: 1 }), nThreads: 1 },
  ],
  filesFolder: path.join(folder, "files"),
});

const page = readFileSync(fromRoot("docs", "guide", "server-more.md"), "utf8");
const blocks = [...page.matchAll(/^## (.+)\n(?:(?!^## )[^])*?^```sh\n([^]*?)^```$/gm)].map(([, title, code]) => ({
  title: title!,
  code: code!,
}));

const prints: Record<string, RegExp> = {
  Embeddings:
    /^\{"object":"list","data":\[\{"object":"embedding","index":0,"embedding":\[(-?[\d.e-]+,){7}-?[\d.e-]+\]\}/,
  Rerank: /"results":\[\{"index":[01],"relevance_score":0\.\d+\}\]/,
  Decisions: /"object":"decision".*"probabilities":\[\{"value":true,.*\{"value":false,/,
  "Tokens and prompts": /"piece":.*"content":.*"prompt":"USER: What is gout\?\\nASSISTANT:"/,
  "Models that come and go": /"value":"\w+".*\{"success":true\}\{"success":true\}$/,
  "Files and batches": /^(\{"id":"batch_req_\w+","custom_id":"[ab]","response":\{"status_code":200,.*\n){2}$/,
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
