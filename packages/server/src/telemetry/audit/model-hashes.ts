import { readdirSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import type { ServedModel } from "../../models/served-model.js";

/** SHA-256 of the models' weights, each computed once, on a thread of its own: files have gigabytes. */
export class ModelHashes {
  readonly #hashes = new Map<ServedModel, Promise<string | null>>();
  readonly #onFailed: (model: string, error: unknown) => void;

  constructor(onFailed: (model: string, error: unknown) => void) {
    this.#onFailed = onFailed;
  }

  /** Hexadecimal, as `sha256sum` has it; of a split model that of its parts joined; null where they cannot be read. */
  of(model: ServedModel): Promise<string | null> {
    const known = this.#hashes.get(model);
    if (known !== undefined) return known;
    const hash = hashed(model.config.model).catch((error: unknown) => {
      this.#onFailed(model.name, error);
      return null;
    });
    this.#hashes.set(model, hash);
    return hash;
  }
}

async function hashed(model: string | URL | undefined): Promise<string> {
  const workerData = { files: filesOf(model instanceof URL ? fileURLToPath(model) : model) };
  return new Promise((resolve, reject) => {
    const worker = new Worker(path.join(__dirname, "hash-files.js"), { workerData });
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", () => reject(new Error("the worker ended without a hash")));
  });
}

/** The files of a model's weights: one, the parts of a split one, or those of a folder beside its projector. */
function filesOf(model: string | undefined): string[] {
  if (model === undefined) {
    const { resolve } = createRequire(__filename);
    return [path.join(path.dirname(resolve("medinfer/package.json")), "models", "medinfer-tiny.gguf")];
  }
  if (statSync(model).isDirectory()) {
    const weights = (name: string) => /\.gguf$/i.test(name) && !/mmproj/i.test(name);
    return readdirSync(model)
      .filter(weights)
      .sort()
      .map((name) => path.join(model, name));
  }
  const [, stem, count] = /^(.*)-00001-of-(\d{5})\.gguf$/.exec(model) ?? [];
  if (stem === undefined) return [model];
  return Array.from({ length: Number(count) }, (_, i) => `${stem}-${String(i + 1).padStart(5, "0")}-of-${count}.gguf`);
}
