import { mkdir, readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { OWNER_FOLDER, PART, remove, writeWhole } from "../files/atomic.js";
import { Problem } from "../http/problem.js";
import { isOver, type Batch } from "./batch.js";

/** A batch and whose it is. */
export interface KeptBatch {
  readonly tenant: string;
  /** Those of one second keep their order by it. */
  readonly number: number;
  batch: Batch;
}

const FACTS = ".json";

/** What is known of batches, in a folder: written whole at every change of a status. */
export class BatchStore {
  readonly #folder: string;
  readonly #batches = new Map<string, KeptBatch>();
  #opened: Promise<void> | undefined;
  #saving: Promise<void> = Promise.resolve();

  constructor(folder: string) {
    this.#folder = path.resolve(folder);
  }

  /** @throws Error (rejects) where the folder cannot be made or read */
  open(): Promise<void> {
    this.#opened ??= this.#open();
    return this.#opened;
  }

  /** Where a batch writes its answers until they are a file. */
  partOf(id: string, kind: "output" | "errors"): string {
    return path.join(this.#folder, `${id}.${kind}.jsonl`);
  }

  /** Newest first. */
  async list(tenant: string): Promise<Batch[]> {
    return (await this.all())
      .filter((each) => each.tenant === tenant)
      .map(({ batch }) => batch)
      .reverse();
  }

  /** Of all tenants, oldest first. */
  async all(): Promise<KeptBatch[]> {
    await this.open();
    return [...this.#batches.values()];
  }

  /** @throws Problem (rejects) 404, also for one of another tenant */
  async find(tenant: string, id: string): Promise<KeptBatch> {
    await this.open();
    const kept = this.#batches.get(id);
    if (kept?.tenant === tenant) return kept;
    throw new Problem(404, "batch_not_found", "there is no such batch", { param: "batch_id" });
  }

  /** A batch that is not over and reads this file; undefined: none. */
  async readerOf(tenant: string, file: string): Promise<string | undefined> {
    const kept = (await this.all()).find(
      (each) => each.tenant === tenant && each.batch.input_file_id === file && !isOver(each.batch),
    );
    return kept?.batch.id;
  }

  async add(tenant: string, batch: Batch): Promise<KeptBatch> {
    await this.open();
    const last = [...this.#batches.values()].at(-1)?.number ?? 0;
    const kept = { tenant, number: last + 1, batch };
    this.#batches.set(batch.id, kept);
    await this.save(kept);
    return kept;
  }

  /** One after another: each writes what is true when its turn comes. */
  save(kept: KeptBatch): Promise<void> {
    const file = path.join(this.#folder, `${kept.batch.id}${FACTS}`);
    const saved = this.#saving.then(() => writeWhole(file, JSON.stringify(kept)));
    this.#saving = saved.catch(() => {});
    return saved;
  }

  async #open(): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: OWNER_FOLDER });
    const found: KeptBatch[] = [];
    for (const name of await readdir(this.#folder)) {
      const file = path.join(this.#folder, name);
      if (name.endsWith(PART)) await remove(file);
      else if (name.endsWith(FACTS)) found.push(JSON.parse(await readFile(file, "utf8")) as KeptBatch);
    }
    found.sort((a, b) => a.number - b.number);
    for (const kept of found) this.#batches.set(kept.batch.id, kept);
  }
}
