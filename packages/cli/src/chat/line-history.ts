import { appendFileSync, readFileSync } from "node:fs";
import { MedInferError } from "medinfer";
import { PRIVATE, unwritable } from "../private-file.js";
import { shortenPath } from "../shorten.js";

/** Lines that were typed, for the arrow keys: kept in a file only where the user names one, as they may be a patient's. */
export class LineHistory {
  static readonly MOST = 1000;

  constructor(readonly file: string | undefined) {}

  /**
   * The newest first.
   *
   * @throws MedInferError `INVALID_ARGUMENT` where the file is there and cannot be read
   */
  lines(): string[] {
    if (this.file === undefined) return [];
    try {
      const lines = readFileSync(this.file, "utf8").split("\n");
      return lines
        .filter((line) => line !== "")
        .slice(-LineHistory.MOST)
        .reverse();
    } catch (error) {
      const { code = "unknown" } = error as NodeJS.ErrnoException;
      if (code === "ENOENT") return [];
      throw new MedInferError("INVALID_ARGUMENT", `${shortenPath(this.file)} cannot be read (${code}): check the path`);
    }
  }

  add(line: string): void {
    if (this.file === undefined || line.trim() === "") return;
    try {
      appendFileSync(this.file, `${line}\n`, { mode: PRIVATE });
    } catch (error) {
      throw unwritable(this.file, error);
    }
  }
}
