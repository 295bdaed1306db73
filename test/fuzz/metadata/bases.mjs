// The sound files that are changed: the tiny models that test/truth stores, unpacked once.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";

import { llamaDir } from "../../../scripts/lib/paths.mjs";
import { randomAdapter } from "../../support/adapters.mjs";
import { storedCases, unpackCase } from "../../truth/store.mjs";
import { readGguf } from "./gguf.mjs";

/**
 * @typedef {object} Base
 * @property {string} name such as "text/llama"
 * @property {string} architecture of the model; with `projectors`, the projector's kind
 * @property {string} model
 * @property {string | null} mmproj
 * @property {boolean} [adapter] whether `gguf` is a LoRA adapter of the model
 * @property {import("./gguf.mjs").Gguf} gguf the file that is changed: the model, the projector or the adapter
 */

const text = (gguf, key) => {
  const found = gguf.values.get(key);
  return found?.type === "string" ? found.value.toString() : undefined;
};

/** Folders of cases as test/truth makes them, by name. */
function folders(made, scratch) {
  if (made === undefined) {
    return storedCases().map((name) => {
      const folder = path.join(scratch, "bases", name);
      if (!existsSync(path.join(folder, "case.json"))) unpackCase(name, folder);
      return [name, folder];
    });
  }
  const cases = readdirSync(made, { recursive: true })
    .map(String)
    .filter((file) => /(^|[\\/])(model|mmproj)\.gguf$/.test(file));
  const names = new Set(cases.map((file) => path.dirname(file).split(path.sep).join("/")));
  return [...names].sort().map((name) => [name, path.join(made, name)]);
}

/**
 * @param {{ scratch: string, projectors?: boolean, arch?: string, made?: string }} options `scratch`: where to unpack;
 *   `arch`: a part of the name, or an architecture or kind; `made`: a folder of other cases in the place of the stored ones
 * @returns {Base[]} models: the smallest of each architecture
 */
export function fuzzBases({ scratch, projectors = false, arch, made }) {
  const bases = [];
  for (const [name, folder] of folders(made, scratch)) {
    const file = (each) => (existsSync(path.join(folder, each)) ? path.join(folder, each) : null);
    const [model, mmproj] = [file("model.gguf"), file("mmproj.gguf")];
    if (model === null || (projectors && mmproj === null)) continue;
    const gguf = readGguf(readFileSync(projectors ? mmproj : model));
    const architecture = projectors
      ? (text(gguf, "clip.projector_type") ?? text(gguf, "clip.vision.projector_type"))
      : text(gguf, "general.architecture");
    if (arch !== undefined && architecture !== arch && !name.includes(arch)) continue;
    const size = gguf.tensors.reduce((sum, { data }) => sum + data.length, 0);
    bases.push({ name, architecture, model, mmproj: projectors ? mmproj : null, gguf, size });
  }
  if (projectors || made !== undefined) return bases;
  const smallest = new Map();
  for (const base of bases) {
    if (base.size < (smallest.get(base.architecture)?.size ?? Infinity)) smallest.set(base.architecture, base);
  }
  return [...smallest.values()];
}

/** Random adapters of the models. @param {Base[]} models @returns {Base[]} */
export const adapterBases = (models) =>
  models.map((base) => ({ ...base, adapter: true, gguf: randomAdapter(base.gguf, { only: isAdaptable }) }));

/** Weights to which every architecture that has them applies adapters. @param {string} name */
const isAdaptable = (name) => /\.(attn_q|attn_output|ffn_gate|ffn_down|ssm_in)\.weight$/.test(name);

/** Names of keys that llama.cpp reads of a model of this architecture, or of a projector. @param {Base} base */
export function knownKeys({ architecture, mmproj, adapter }) {
  if (adapter === true) return ["adapter.lora.alpha", "adapter.alora.invocation_tokens", "adapter.lora.prompt_prefix"];
  if (mmproj !== null) {
    const source = readFileSync(path.join(llamaDir, "tools", "mtmd", "clip-impl.h"), "utf8");
    const names = [...source.matchAll(/#define KEY_\w+\s+"([^"]+)"/g)].map(([, name]) => name.replace("%s", "vision"));
    return names.filter((name) => !name.includes("audio"));
  }
  const source = readFileSync(path.join(llamaDir, "src", "llama-arch.cpp"), "utf8");
  return [...source.matchAll(/"((?:%s|tokenizer)\.[^"]+)"/g)].map(([, name]) => name.replace("%s", architecture));
}
