/** From the options `model` and `mmproj` to the two files. */
import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { argumentError, MedInferError } from "../errors.js";
import { embeddedModel } from "./embedded.js";

/** The files of a model. */
export interface ModelFiles {
  modelPath: string;
  /** Empty: no projector. */
  mmprojPath: string;
  /** Whether the projector was found, not named: the message for one that does not fit says so. */
  mmprojGuessed: boolean;
}

type Mmproj = "auto" | null | string | URL;

/**
 * @throws MedInferError `MODEL_NOT_FOUND` where a file is missing, `INVALID_ARGUMENT` where a name can not be resolved
 */
export async function resolveModel(
  model: string | URL | undefined,
  mmproj: Mmproj,
): Promise<ModelFiles> {
  if (model === undefined) return withProjector(embeddedModel.modelPath, mmproj, () => embeddedModel.mmprojPath);
  const path = toPath(model, "model");
  const facts = await factsOf(path, "model");
  if (facts.isDirectory()) {
    const found = await openFolder(path);
    return withProjector(found.modelPath, mmproj, () => found.mmprojPath);
  }
  return withProjector(path, mmproj, () => siblingProjector(path));
}

async function withProjector(
  modelPath: string,
  mmproj: Mmproj,
  find: () => string | Promise<string>,
): Promise<ModelFiles> {
  if (mmproj === null) return { modelPath, mmprojPath: "", mmprojGuessed: false };
  if (mmproj === "auto") return { modelPath, mmprojPath: await find(), mmprojGuessed: true };
  const mmprojPath = toPath(mmproj, "mmproj");
  const facts = await factsOf(mmprojPath, "mmproj");
  if (facts.isDirectory()) {
    throw new MedInferError("MODEL_NOT_FOUND", `mmproj ${mmprojPath} is a folder: name the file in it`);
  }
  return { modelPath, mmprojPath, mmprojGuessed: false };
}

function toPath(source: string | URL, option: "model" | "mmproj"): string {
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

async function factsOf(path: string, option: "model" | "mmproj") {
  try {
    return await stat(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "there is no such file" : `it can not be read (${code})`;
    throw new MedInferError("MODEL_NOT_FOUND", `${option} ${path}: ${why}`, { cause: error });
  }
}

/** The two files of a model's folder. */
async function openFolder(folder: string): Promise<{ modelPath: string; mmprojPath: string }> {
  const files = await ggufFiles(folder);
  const projectors = files.filter(isProjector);
  const models = files.filter((name) => !isProjector(name));
  if (models.length !== 1 || projectors.length !== 1) {
    throw new MedInferError(
      "MODEL_NOT_FOUND",
      `model ${folder}: a model's folder holds exactly two .gguf files, one of them with "mmproj" in its name; ` +
        `this one holds ${models.length} without and ${projectors.length} with it: name the file`,
    );
  }
  return { modelPath: join(folder, models[0]!), mmprojPath: join(folder, projectors[0]!) };
}

/** The projector beside a model, where it is clear which: otherwise empty. */
async function siblingProjector(modelPath: string): Promise<string> {
  const folder = dirname(modelPath);
  const projectors = (await ggufFiles(folder)).filter(
    (name) => isProjector(name) && name !== basename(modelPath),
  );
  return projectors.length === 1 ? join(folder, projectors[0]!) : "";
}

async function ggufFiles(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => /\.gguf$/i.test(name));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new MedInferError("MODEL_NOT_FOUND", `${folder} can not be listed (${code})`, {
      cause: error,
    });
  }
}

function isProjector(name: string): boolean {
  return /mmproj/i.test(name);
}
