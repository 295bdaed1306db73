import path from "node:path";

interface DoneRow {
  /** An absolute path. */
  file: string;
  failed: boolean;
  isTaken: boolean;
}

/**
 * The rows that a table had when it was opened, and to which files of a run they go: to the one of their bytes and their name,
 * and where the run has none of that name, because it was moved, to another of the same bytes. A row goes to one file.
 */
export class DoneRows {
  readonly #byId = new Map<string, DoneRow[]>();
  readonly #names = new Set<string>();
  /** Those of the names that the run has. */
  readonly #expected = new Set<string>();

  add(id: string, file: string, failed: boolean): void {
    const row = { file: path.resolve(file), failed, isTaken: false };
    this.#names.add(row.file);
    const known = this.#byId.get(id);
    if (known === undefined) this.#byId.set(id, [row]);
    else known.push(row);
  }

  /** The run has this file. To be told of all of them before the first `take`. */
  expect(file: string): void {
    const name = path.resolve(file);
    if (this.#names.has(name)) this.#expected.add(name);
  }

  /** What became of the file before; undefined: it needs a row. To be asked once for each. */
  take(id: string, file: string): "done" | "failed" | undefined {
    const name = path.resolve(file);
    const free = (this.#byId.get(id) ?? []).filter((row) => !row.isTaken);
    const row = free.find((each) => each.file === name) ?? free.find((each) => !this.#expected.has(each.file));
    if (row === undefined) return undefined;
    row.isTaken = true;
    return row.failed ? "failed" : "done";
  }
}
