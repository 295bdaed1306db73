import process from "node:process";
import { fileURLToPath } from "node:url";
import { computeWithEngine, computeWithServer, type Compute, type QuarantineOptions } from "@medinfer/batch";
import { embeddedCalibration } from "@medinfer/extract";
import type { Command } from "commander";
import type { Engine, LoadOptions } from "medinfer";
import { requireVision } from "../annotate/annotate-files.js";
import { modelName } from "../annotate/identity.js";
import { documentPassword } from "../flags/document-flags.js";
import { loadEngine, loadOptions } from "../flags/model-flags.js";
import { namedServer } from "../flags/server-flags.js";
import { DocumentPages } from "./document-pages.js";
import { toRowValues } from "./row-value.js";

/** Rows at once at a server, whose batch size is not known here. */
const AT_SERVER = 8;

/** What a process computes rows with. */
export interface Computing {
  compute: Compute;
  /** Names of what it can ask, as runs have them. */
  models: ReadonlySet<string>;
  slots: number;
  /** Undefined: nothing of a row runs in this process that could end it, or it is not wanted. */
  quarantine: QuarantineOptions | undefined;
  close(): Promise<void>;
}

interface ComputingFlags {
  model?: string;
  mmproj?: string;
  url?: string;
  concurrency?: number;
  passwordFile?: string;
  /** False: `--no-child`. */
  child: boolean;
}

/** What the child process in which rows run alone is made of. It gets it as an argument: no secret may be in it. */
export interface ChildData {
  load: LoadOptions;
  passwordFile: string | undefined;
}

/** Loads the model that the flags name, or finds the server. @throws MedInferError or ServerError (rejects) */
export async function openComputing(command: Command, pages: DocumentPages, signal: AbortSignal): Promise<Computing> {
  const { model, mmproj, url, concurrency, passwordFile, child } = command.opts<ComputingFlags>();
  const server = namedServer(command);
  if (server !== undefined) {
    const models = (await server.models(signal)).flatMap(({ id, aliases = [] }) => [id, ...aliases]);
    const apiKey = process.env.MEDINFER_API_KEY;
    const options = { pageImage: pages.image, ...(apiKey ? { apiKey } : {}) };
    return {
      compute: toRowValues(computeWithServer(url!, options), pages, undefined),
      models: new Set(model === undefined ? models : [model]),
      slots: concurrency ?? AT_SERVER,
      quarantine: undefined,
      close: () => Promise.resolve(),
    };
  }
  const name = await modelName(model, mmproj);
  const engine = await loadEngine(command, { signal });
  try {
    requireVision(engine);
  } catch (error) {
    await engine.close();
    throw error;
  }
  const data: ChildData = { load: loadOptions(command), passwordFile };
  return {
    compute: engineCompute(engine, pages, data),
    models: new Set([name]),
    slots: concurrency ?? engine.info.batchSize * 2,
    quarantine: child ? { module: fileURLToPath(new URL("quarantine.js", import.meta.url)), data } : undefined,
    close: () => engine.close(),
  };
}

export function engineCompute(engine: Engine, pages: DocumentPages, { load }: ChildData): Compute {
  const compute = computeWithEngine(engine, { pageImage: pages.image });
  // It holds for that model alone.
  return toRowValues(compute, pages, load.model === undefined ? embeddedCalibration : undefined);
}

/** The pages that the flags tell how to read. */
export async function openPages(command: Command): Promise<DocumentPages> {
  return new DocumentPages(await documentPassword(command.opts<ComputingFlags>().passwordFile));
}

/** What runs call the model that the flags name. @throws MedInferError or ServerError (rejects) */
export async function askedModel(command: Command, signal: AbortSignal): Promise<string> {
  const { model, mmproj } = command.opts<ComputingFlags>();
  const server = namedServer(command);
  return server === undefined ? modelName(model, mmproj) : server.modelFor("generate", model, signal);
}
