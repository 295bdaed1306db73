import { join } from "node:path";
import { packageRoot } from "../binding.js";

/** The tiny model inside the package: a demonstration, not for clinical use. */
export const embeddedModel = {
  modelPath: join(packageRoot, "models", "medinfer-tiny.gguf"),
  mmprojPath: join(packageRoot, "models", "medinfer-tiny-mmproj.gguf"),
};
