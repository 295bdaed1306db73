import { join } from "node:path";
import { packageRoot } from "../package-root.js";

/** The files of the tiny model inside the package: a demonstration, not for clinical use. */
export function embeddedModel(): { modelPath: string; mmprojPath: string } {
  const folder = join(packageRoot(), "models");
  return { modelPath: join(folder, "medinfer-tiny.gguf"), mmprojPath: join(folder, "medinfer-tiny-mmproj.gguf") };
}
