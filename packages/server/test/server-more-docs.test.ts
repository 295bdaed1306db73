/** The examples of docs/guide/server-more.md, run as their reader would run them. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { afterAll } from "vitest";

import { randomModel } from "../../../test/support/random-model.mjs";
import { testExamples } from "./support/guide.js";
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

const prints: Record<string, RegExp> = {
  Embeddings:
    /^\{"object":"list","data":\[\{"object":"embedding","index":0,"embedding":\[(-?[\d.e-]+,){7}-?[\d.e-]+\]\}/,
  Rerank: /"results":\[\{"index":[01],"relevance_score":0\.\d+\}\]/,
  Decisions: /"object":"decision".*"probabilities":\[\{"value":true,.*\{"value":false,/,
  "Tokens and prompts": /"piece":.*"content":.*"prompt":"USER: What is gout\?\\nASSISTANT:"/,
  "Models that come and go": /"value":"\w+".*\{"success":true\}\{"success":true\}$/,
  "Files and batches": /^(\{"id":"batch_req_\w+","custom_id":"[ab]","response":\{"status_code":200,.*\n){2}$/,
};

testExamples("server-more.md", prints, { url, folder });
