/** Every example of the README and of docs/guide runs as its reader would run it, and prints what it is there to show. */
import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { withoutCpuWarning } from "../support/node-arguments.mjs";
import { fromRoot } from "../support/paths.mjs";
import { randomModel } from "../support/random-model.mjs";

/** The model of an example that needs another than the package's. */
const models: Record<string, () => string> = {
  "rerank.mjs": () => randomModel("bert", { pooling: "rank", labels: 1 }),
};

const run = async (name: string) => {
  const file = fromRoot("examples", name);
  const words = name in models ? [models[name]!()] : [];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [withoutCpuWarning, file, ...words]);
  expect(stderr).toBe("");
  return stdout;
};

/** What each prints. The model is tiny: its answers are checked where it was trained to give them. */
const prints: Record<string, RegExp> = {
  "quick-start.mjs": /^\S[^]*\n\d+ tokens\n$/,
  "stream.mjs": /^read (\d+) of \1 tokens\n[^]*\n(eos|context), \d+ ms\n$/,
  "stop-and-think.mjs":
    /^I am a tiny demonstration model \(stopped at "\. "\)\n I am a tiny [^]*\.\n0 characters of reasoning\n$/,
  "endings.mjs": /^true\nI am a tiny demonstration model \(stop, true\)\n\d+ tokens, then the time was up\n$/,
  "score.mjs": /^([ACDE]: \d+\.\d %\n){4}true \d+\n$/,
  "prompt-logprobs.mjs": /^true\n(".*" -?\d+\.\d\d, likeliest ".*"\n){8}perplexity \d+\.\d\n$/,
  "image.mjs": /^[^]*\n\d+ of \d+ prompt tokens are the image\n$/,
  "choices.mjs": /^(- [^]*?\n){3}-\d\.\d\d [^]*\n$/,
  "session.mjs": /^\d+ of \d+ tokens were there\n7 And in the elderly\?\n7 messages restored\n$/,
  "abort.mjs": /^ABORTED because the user went away\n$/,
  "annotate-folder.mjs": /^(\{"id":"[^"]+\.png","text":"[^\n]*\n){4}$/,
  "read-as-json.mjs": /^(0000[0-3]\.png \{"patient":"[^\n]*"medications":\[\{"name":"[^\n]*\}\]\}\n){4}$/,
  "json-schema.mjs": /^true true\n(yes|no)\ntrue\n$/,
  "chat-template.mjs":
    /^You are a helpful assistant\.\n\nUSER: What is gout\?\nASSISTANT:\n### system: [^]*### assistant:\nsystem: [^]*\nassistant: <think><\/think>\n$/,
  "tool-prompt.mjs":
    /^<\|im_start\|>system\n# Tools\n[^]*<tool_response>\n\{"mg": 200\}\n<\/tool_response>[^]*\ntrue\n$/,
  "tools.mjs":
    /^get_dose \{"drug":"(ibuprofen|paracetamol)","kg":\d+\}\n[^]*\n3 messages, the last of them \{"mg":\d+\}\n$/,
  "inspect-sampling.mjs":
    /^PENALTIES +5: 0\.\d{3}[^]*\nTOP_K [^]*\nTOP_P [^]*\nMIN_P [^]*\nTEMPERATURE [^]*\ndrawn: [2-5]\n$/,
  "drafts.mjs":
    /^\d+ of \d+ tokens took no pass of their own\nnone drafted: 0, the same text: true\n\d+ of \d+ drafted tokens were drawn\n$/,
  "prefix-cache.mjs":
    /^ward 3: 0, then [1-9]\d* of \d+ tokens\nward 7: 0\n\d+ of 128 pages are free, [1-9]\d* are kept for prompts like these\n$/,
  "embed-image.mjs": /^\d+ tokens of \d+ floats; the first begins with [-\d., ]+\nthe second time from the cache\n$/,
  "embeddings.mjs": /^3 rows of \d+ floats, \d+ tokens\n(true|false)\n500 pages\n$/,
  "rerank.mjs": /^(-?\d+\.\d{3} [^\n]*\n){2}$/,
  "adapters.mjs": /^experiment: rank 4, for llama, \d+ bytes\n Hypertension is high[^]*\n0 adapters are left\n$/,
  "devices.mjs":
    /^[^]*CPU: [^\n]*, \d+ MB free\n[^]*on CPU: weights \d+ MB, KV \d+ MB, work \d+ MB\n\d+ of \d+ layers on a GPU\n$/,
  "common-js.cjs": /^\S[^]*\n$/,
  "worker-thread.mjs": /^from the worker: \S[^]*\n$/,
};

describe("examples", () => {
  it.each(Object.entries(prints))("%s", async (name, expected) => {
    expect(await run(name)).toMatch(expected);
  });

  it("are all run", () => {
    const files = readdirSync(fromRoot("examples")).filter((name) => /\.[cm]?[jt]s$/.test(name));
    expect(files.sort()).toEqual(Object.keys(prints).sort());
  });
});
