/** From the options `model` and `mmproj` to files. */
import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { argumentError, MedInferError } from "../errors.js";
import { boundedCause, excerpt, excerptPath } from "../excerpt.js";
import { embeddedModel } from "./embedded.js";

/** The files of a model. */
export interface ModelFiles {
  modelPath: string;
  /** Empty: none was named, and it is one of the candidates or none. */
  mmprojPath: string;
  /** Files beside the model that may be its projector; which of them is, their metadata say. */
  mmprojCandidates: string[];
  /** Whether the folder holds no other model, so that a projector without a name can be this one's. */
  onlyModel: boolean;
}

type Mmproj = "auto" | null | string | URL;

/** What a model's folder holds, by name. */
interface Folder {
  path: string;
  /** The first file of each: a model may be split into parts. */
  models: string[];
  projectors: string[];
}

/**
 * @throws MedInferError `MODEL_NOT_FOUND` where a file is missing, `INVALID_ARGUMENT` where a name cannot be resolved
 */
export async function resolveModel(model: string | URL | undefined, mmproj: Mmproj): Promise<ModelFiles> {
  if (model === undefined) {
    const { modelPath, mmprojPath } = embeddedModel();
    return { ...(await withProjector(modelPath, mmproj)), ...(mmproj === "auto" ? { mmprojPath } : {}) };
  }
  const path = toPath(model, "model");
  const facts = await factsOf(path, "model");
  if (!facts.isDirectory()) {
    return withProjector(path, mmproj, mmproj === "auto" ? await openFolder(dirname(path)) : undefined);
  }
  const folder = await openFolder(path);
  if (folder.models.length !== 1) throw notOneModel(folder);
  return withProjector(join(path, folder.models[0]!), mmproj, folder);
}

/** The file of a draft model; empty: none is named. */
export async function resolveDraft(draft: string | URL | undefined): Promise<string> {
  if (draft === undefined) return "";
  const path = toPath(draft, "draft");
  if ((await factsOf(path, "draft")).isDirectory()) {
    throw new MedInferError("MODEL_NOT_FOUND", `draft ${excerptPath(path)} is a folder: name the file in it`);
  }
  return path;
}

async function withProjector(modelPath: string, mmproj: Mmproj, folder?: Folder): Promise<ModelFiles> {
  const files = { modelPath, mmprojPath: "", mmprojCandidates: [], onlyModel: false };
  if (mmproj === null) return files;
  if (mmproj === "auto") {
    const names = (folder?.projectors ?? []).filter((name) => name !== basename(modelPath));
    const mmprojCandidates = names.map((name) => join(folder!.path, name));
    return { ...files, mmprojCandidates, onlyModel: folder?.models.every((name) => name === basename(modelPath)) === true };
  }
  const mmprojPath = toPath(mmproj, "mmproj");
  const facts = await factsOf(mmprojPath, "mmproj");
  if (facts.isDirectory()) {
    throw new MedInferError("MODEL_NOT_FOUND", `mmproj ${excerptPath(mmprojPath)} is a folder: name the file in it`);
  }
  return { ...files, mmprojPath };
}

function toPath(source: string | URL, option: "model" | "mmproj" | "draft"): string {
  if (typeof source === "string") {
    if (/^hf:/i.test(source)) {
      throw argumentError(
        "Engine.load",
        option,
        "names a model on Hugging Face, which this version does not download: " +
          "fetch the .gguf file yourself and give its path",
      );
    }
    if (/^https?:/i.test(source)) {
      throw argumentError("Engine.load", option, "is a web address: give the path of a local file");
    }
    if (!/^file:/i.test(source)) return source;
  }
  try {
    return fileURLToPath(source);
  } catch {
    throw argumentError("Engine.load", option, "must be a path or a file: URL of a local file");
  }
}

async function factsOf(path: string, option: "model" | "mmproj" | "draft") {
  try {
    return await stat(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "there is no such file" : `it cannot be read (${code})`;
    throw new MedInferError("MODEL_NOT_FOUND", `${option} ${excerptPath(path)}: ${why}`, {
      cause: boundedCause(error),
    });
  }
}

async function openFolder(path: string): Promise<Folder> {
  const files = (await ggufFiles(path)).filter((name) => !isLaterPart(name)).sort();
  return { path, models: files.filter((name) => !isProjector(name)), projectors: files.filter(isProjector) };
}

function notOneModel({ path, models, projectors }: Folder): MedInferError {
  const named = models.slice(0, 2).map((name) => excerpt(name, 40));
  const others = models.length > named.length ? [...named, "…"] : named;
  const list = models.length === 0 ? "" : ` (${others.join(", ")})`;
  return new MedInferError(
    "MODEL_NOT_FOUND",
    `model ${excerptPath(path)}: a model's folder holds one model as a .gguf file, whole or in parts, and files with ` +
      `"mmproj" in their names; this one holds ${models.length} models${list} and ${projectors.length} such files: ` +
      "name the file",
  );
}

async function ggufFiles(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => /\.gguf$/i.test(name));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new MedInferError("MODEL_NOT_FOUND", `${excerptPath(folder)} cannot be listed (${code})`, {
      cause: boundedCause(error),
    });
  }
}

/** Of a model that is split into parts, e.g. "a-00002-of-00003.gguf": llama.cpp finds them from the first. */
function isLaterPart(name: string): boolean {
  return /-\d{5}-of-\d{5}\.gguf$/i.test(name) && !/-00001-of-\d{5}\.gguf$/i.test(name);
}

function isProjector(name: string): boolean {
  return /mmproj/i.test(name);
}
