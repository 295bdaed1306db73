// Pages that nobody has seen before.
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";

import { fromRoot } from "../../test/support/paths.mjs";
import { findPagePython, runOrThrow } from "./python.mjs";

/** Files of synthetic documents, each another. @param {number} count @param {(line: string) => void} log */
export function drawPages(count, log) {
  const folder = fromRoot("out", "bench", "pages");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const seed = Math.floor(performance.timeOrigin % 1_000_000);
  runOrThrow(findPagePython(log), [
    fromRoot("models", "generate.py"),
    "--count",
    String(count),
    "--seed",
    String(seed),
    "--out",
    folder,
  ]);
  const files = readdirSync(folder).filter((name) => name.endsWith(".png"));
  return files.map((name) => path.join(folder, name));
}
