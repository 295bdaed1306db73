import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll } from "vitest";

/** A folder with one file in it, three bytes long, for as long as the test file runs. */
export function usePicture(): { folder: string; picture: string } {
  const folder = mkdtempSync(path.join(tmpdir(), "medinfer-engine-"));
  const picture = path.join(folder, "p.png");
  writeFileSync(picture, "PNG");
  afterAll(() => rmSync(folder, { recursive: true }));
  return { folder, picture };
}
