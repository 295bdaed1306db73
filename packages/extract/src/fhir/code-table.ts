/** Codes that the user gives for texts. None is ever made up: a text that stands in no table stays a text. */
import type { Coding } from "fhir/r4";

import { ExtractError } from "../errors.js";
import { normaliseText } from "../text-layer/normalise.js";
import { readCsv } from "./csv.js";

const COLUMNS = ["text", "system", "code", "display"] as const;

export class CodeTable {
  readonly #codings = new Map<string, Coding[]>();

  /**
   * A table with the columns `text,system,code,display` in a CSV's first line, in any order and with others beside them. A text
   * has a row for each system in which it has a code. `display` may be empty.
   * @throws ExtractError `BAD_CODES` where columns or values are missing, or a text has two codes of one system
   */
  static fromCsv(csv: string): CodeTable {
    const [header, ...rows] = readCsv(csv) ?? [];
    if (header === undefined) {
      throw new ExtractError(
        "BAD_CODES",
        `a table of codes is CSV with the columns ${COLUMNS.join(",")} in its first line`,
      );
    }
    const places = COLUMNS.map((name) => header.findIndex((column) => column.trim().toLowerCase() === name));
    const missing = COLUMNS.filter((name, i) => places[i]! < 0 && name !== "display");
    if (missing.length > 0) throw new ExtractError("BAD_CODES", `the table's first line lacks ${missing.join(", ")}`);
    const table = new CodeTable();
    for (const [i, row] of rows.entries()) {
      const [text, system, code, display] = places.map((place) => (place < 0 ? "" : (row[place] ?? "").trim()));
      table.#add(text!, { system: system!, code: code!, ...(display !== "" && { display: display! }) }, i + 2);
    }
    return table;
  }

  /** The codes for a text, however it is spaced, and in upper or lower case. */
  find(text: string): Coding[] {
    return this.#codings.get(normaliseText(text)) ?? [];
  }

  #add(text: string, coding: Coding, row: number): void {
    if (text === "" || coding.code === "" || !/^[a-z][a-z0-9+.-]*:\S+$/iu.test(coding.system!)) {
      throw new ExtractError("BAD_CODES", `row ${row} of the table needs a text, a code, and the system's URI`);
    }
    const known = this.#codings.get(normaliseText(text)) ?? [];
    const same = known.find(({ system }) => system === coding.system);
    if (same === undefined) this.#codings.set(normaliseText(text), [...known, coding]);
    else if (same.code !== coding.code) {
      throw new ExtractError("BAD_CODES", `row ${row} of the table gives a text a second code of the same system`);
    }
  }
}
