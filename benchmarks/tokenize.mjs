import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { build } from "../scripts/build.mjs";
import { llamaDir } from "../scripts/lib/paths.mjs";
import { fromRoot } from "../test/support/paths.mjs";
import { peer } from "./lib/peers.mjs";
import { proseOf } from "./lib/prompts.mjs";
import { median, round } from "./lib/stats.mjs";

export const about = "1 MB of prose with each vocabulary that llama.cpp ships, beside llama.cpp as it was released";
export const options = {
  runs: { type: "string", default: "5" },
  // Instead of times: the lines of test/native/stored/token-hashes.txt, of so many thousands of random texts each.
  hashes: { type: "string" },
};

const BYTES = 1_000_000;

/**
 * Pre-tokenisers that no shipped vocabulary has, one of each kind, by their names in GGUF files. Those without the
 * encoding of bytes are left out: a vocabulary that has it is nothing to them.
 */
const PRE_TOKENISERS = (
  "default minicpm5 llama-bpe deepseek-v3 spark2_5 youtu jais-2 qwen35 smaug-bpe poro-chat chatglm-bpe viking tekken " +
  "smollm codeshell exaone exaone-moe chameleon minerva-7b gpt-4o granite-embed-multi-97m tiny_aya superbpe trillion " +
  "bailingmoe seed-coder hunyuan-dense kimi-k2 ufakzeka grok-2 afmoe laguna minimax-m2 mellum2 " +
  "deepseek-llm deepseek-coder falcon starcoder gpt-2"
).split(" ");

/** WordPiece follows its makers, where the release does not: nothing to compare. */
const OTHERWISE = new Set(["bert-bge"]);

const folder = path.join(llamaDir, "models");
const fileOf = (name) => path.join(folder, `ggml-vocab-${name}.gguf`);

/** @param {{ runs: string, hashes?: string }} chosen @param {(line: string) => void} log */
export async function run({ runs, hashes }, log) {
  await build({ tests: true, targets: ["tokenize"] });
  const programs = {
    ours: fromRoot("out", "source", "bin", "tokenize"),
    llama: peer("tokenize", { gpu: false, log }),
  };
  const names = readdirSync(folder)
    .map((file) => /^ggml-vocab-(.*)\.gguf$/.exec(file)?.[1])
    .filter((name) => name !== undefined)
    .sort();
  return hashes === undefined
    ? time(programs, names, Number(runs), log)
    : compareHashes(programs, names, Number(hashes), log);
}

function time(programs, names, runs, log) {
  const temporary = mkdtempSync(path.join(tmpdir(), "medinfer-tokenize-"));
  const prose = path.join(temporary, "prose.txt");
  writeFileSync(prose, proseOf(BYTES, 1));
  try {
    const cases = names.map((name) => {
      const ms = { ours: [], llama: [] };
      const hashes = new Set();
      for (let i = 0; i < runs; i++) {
        for (const [who, program] of Object.entries(programs)) {
          const args = [fileOf(name), "--file", prose, "--repeat", "3"];
          const answer = JSON.parse(execFileSync(program, args, { encoding: "utf8" }));
          ms[who].push(Math.min(...answer.ms));
          hashes.add(answer.hash);
        }
      }
      const oursMs = round(median(ms.ours));
      const llamaMs = round(median(ms.llama));
      const ratio = Number((llamaMs / oursMs).toFixed(2));
      log(`${name}: ${oursMs} ms, llama.cpp ${llamaMs} ms, ${ratio} times as fast`);
      return { name, oursMs, llamaMs, ratio, equal: hashes.size === 1 };
    });
    return {
      ok: cases.every(({ ratio }) => ratio >= 1),
      equal: cases.every(({ equal }) => equal),
      cases,
    };
  } finally {
    rmSync(temporary, { recursive: true });
  }
}

function compareHashes(programs, names, count, log) {
  const readings = [
    ...names.filter((name) => !OTHERWISE.has(name)).map((name) => [name, "-", count]),
    ...PRE_TOKENISERS.map((pre) => ["qwen2", pre, Math.min(count, 1000)]),
  ];
  const lines = [];
  const different = [];
  for (const [name, pre, texts] of readings) {
    const args = [fileOf(name), "--random", String(texts), ...(pre === "-" ? [] : ["--pre", pre])];
    const [ours, llama] = [programs.ours, programs.llama].map((program) =>
      execFileSync(program, args, { encoding: "utf8" }).trim(),
    );
    lines.push([name, pre, ...llama.split("\n")].join(" "));
    if (ours !== llama) different.push(`${name} ${pre}`);
    log(`${name} ${pre}: ${texts} texts, ${ours === llama ? "equal" : "different"}`);
  }
  return { equal: different.length === 0, lines, different };
}
