// Where things lie, for tests and benchmarks.
import path from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));

/** @param {string[]} parts */
export const fromRoot = (...parts) => path.join(root, ...parts);

/** Random models and what else is made once and kept; ignored by git. */
export const cacheDir = fromRoot("out", "test-models");

/** @param {string} name */
export const fixture = (name) => fromRoot("test", "support", "fixtures", name);
