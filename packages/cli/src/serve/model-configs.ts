import path from "node:path";
import type { ModelConfig } from "@medinfer/server";
import { MedInferError } from "medinfer";
import { readJson } from "../input.js";
import { didYouMean, shownName } from "../nearest.js";
import { shortenPath } from "../shorten.js";
import { defined } from "./defined.js";

/** Flags of `medinfer serve` that are of models. */
export interface ModelOptions {
  models?: string;
  model?: string[];
  alias?: string[];
  mmproj?: string;
  draft?: string;
  task: ModelConfig["task"];
  nCtx?: number;
  batchSize?: number;
  nThreads?: number | "auto";
  chatTemplate?: string;
}

/**
 * The models that flags name, or those of the file that `--models` names. The first is kept loaded.
 *
 * @throws MedInferError (rejects) `INVALID_ARGUMENT` where the file is wrong
 */
export async function modelConfigs({ models, ...options }: ModelOptions): Promise<ModelConfig[]> {
  const { model = [""], alias, mmproj, draft, task, nCtx, batchSize, nThreads, chatTemplate } = options;
  if (models !== undefined) return readModels(models);
  const shared = defined({ nCtx, batchSize, nThreads });
  return model.map((each, i) => ({
    ...named(each),
    ...shared,
    ...(i === 0 ? defined({ aliases: alias, mmproj, draft, task, chatTemplate }) : {}),
    keepLoaded: i === 0,
  }));
}

/** `name=file`, or a file whose name it has. */
function named(text: string): { name: string; model?: string } {
  if (text === "") return { name: "medinfer-tiny" };
  const [, name, file] = /^([^=/\\]+)=(.+)$/.exec(text) ?? [];
  if (name !== undefined && file !== undefined) return { name, model: file };
  return { name: path.basename(text).replace(/(-00001-of-\d+)?\.gguf$/i, ""), model: text };
}

/** What a model in the file may have. Values are the library's to check, when the model is loaded; a name is checked at once. */
const fields: Record<keyof ModelConfig, true> = {
  ...{ name: true, aliases: true, keepLoaded: true, model: true, mmproj: true, draft: true, heads: true },
  ...{ device: true, nGpuLayers: true, splitMode: true, tensorSplit: true, mainGpu: true, nThreads: true },
  ...{ nCtx: true, nCtxPerRequest: true, batchSize: true, nBatch: true, nUbatch: true, kv: true, maxQueue: true },
  ...{ maxImageBytes: true, maxImagePixels: true, imageCacheBytes: true, chatTemplate: true, adapters: true },
  ...{ task: true, pooling: true },
};

async function readModels(file: string): Promise<ModelConfig[]> {
  const shown = shortenPath(file);
  const wrong = (what: string) => new MedInferError("INVALID_ARGUMENT", `${shown}: ${what}`);
  const list = await readJson(file);
  if (!Array.isArray(list) || list.length === 0) throw wrong("has to be a list of models");
  return list.map((each: unknown, i) => {
    if (typeof each !== "object" || each === null || Array.isArray(each)) throw wrong(`[${i}] has to be an object`);
    for (const name of Object.keys(each)) {
      if (Object.hasOwn(fields, name)) continue;
      throw wrong(`[${i}]: ${shownName(name)} is no option of a model${didYouMean(name, Object.keys(fields))}`);
    }
    const config = each as ModelConfig;
    const { name, aliases = [], keepLoaded = i === 0 } = config;
    if (typeof name !== "string" || name === "") throw wrong(`[${i}].name has to be what requests call it`);
    if (!Array.isArray(aliases) || aliases.some((alias) => typeof alias !== "string" || alias === "")) {
      throw wrong(`[${i}].aliases has to be a list of names`);
    }
    if (typeof keepLoaded !== "boolean") throw wrong(`[${i}].keepLoaded has to be true or false`);
    return { ...config, keepLoaded };
  });
}
