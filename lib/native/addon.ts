/** Loads the addon; nothing else does. */
import { createRequire } from "node:module";
import { dirname } from "node:path";

import { MedInferError } from "../errors.js";
import { boundedCause, excerptPath } from "../excerpt.js";
import { packageRoot } from "../package-root.js";
import type { AddonModule, NativeAddon } from "./types.js";

let loaded: { addon: NativeAddon; directory: string } | undefined;

/**
 * Loads the addon and, from its own folder, its backends: no other folder may choose what code runs in this process.
 * The first call does the work. Not at import time, so that who only renders a template needs no addon.
 */
export function loadAddon(): NativeAddon {
  return (loaded ??= load()).addon;
}

/** Where the addon lies, its backends beside it. Loads it. */
export function addonDirectory(): string {
  return (loaded ??= load()).directory;
}

function load(): { addon: NativeAddon; directory: string } {
  const root = packageRoot();
  let addon: NativeAddon;
  let path: string;
  try {
    const nodeGypBuild = require("node-gyp-build") as { path(directory: string): string };
    path = nodeGypBuild.path(root);
    // Not this file's own require: a bundler would put its own in place of it.
    addon = (createRequire(path)(path) as AddonModule).withErrorClass(MedInferError);
  } catch (cause) {
    throw new MedInferError(
      "BACKEND_LOST",
      `the native addon of medinfer cannot be loaded from ${excerptPath(root)}: run "npm rebuild medinfer"`,
      { cause: boundedCause(cause) },
    );
  }
  addon.initBackends(dirname(path));
  return { addon, directory: dirname(path) };
}
