import { randomUUID } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, open, readdir, readFile } from "node:fs/promises";
import path from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Problem } from "../http/problem.js";
import { moveInto, OWNER_FILE, OWNER_FOLDER, PART, remove, writeWhole } from "./atomic.js";
import { Quota } from "./quota.js";
import { tenantFolder } from "./tenant-folder.js";

/** A stored file, as its tenant is told of it. */
export interface StoredFile {
  id: string;
  bytes: number;
  /** Milliseconds since 1970. */
  createdMs: number;
  filename: string;
  purpose: string;
}

interface Kept extends StoredFile {
  tenant: string;
}

const DATA = ".data";
const FACTS = ".json";

/**
 * Files in a folder, each tenant's apart, which only the server's own account may read. A file is there when what is known of
 * it is written: before that it is a part, which the next start removes. One server has the folder, not several.
 */
export class FileStore {
  readonly #folder: string;
  readonly #files = new Map<string, Kept>();
  #opened: Promise<void> | undefined;

  readonly #quota: Quota;

  /** @param quota most bytes of a tenant's files that are taken in; what batches make is never refused, and counts */
  constructor(folder: string, quota: number) {
    this.#folder = path.resolve(folder);
    this.#quota = new Quota(quota);
  }

  /** @throws Error (rejects) where the folder cannot be made or read */
  open(): Promise<void> {
    this.#opened ??= this.#open();
    return this.#opened;
  }

  /** Newest first. */
  async list(tenant: string): Promise<StoredFile[]> {
    await this.open();
    return [...this.#files.values()].filter((file) => file.tenant === tenant).reverse();
  }

  /** @throws Problem (rejects) 404, also for one of another tenant */
  async find(tenant: string, id: string): Promise<StoredFile> {
    await this.open();
    const file = this.#files.get(id);
    if (file?.tenant === tenant) return file;
    throw new Problem(404, "file_not_found", "there is no such file", { param: "file_id" });
  }

  /** Its bytes. @throws Problem (rejects) 404, or Error where the folder has it no more */
  async read(tenant: string, id: string): Promise<Readable> {
    await this.find(tenant, id);
    const handle = await open(this.#path(tenant, id, DATA));
    return handle.createReadStream();
  }

  /**
   * Takes in a stream. Nothing of it is left where it fails.
   *
   * @throws Problem (rejects) 413 where the tenant has no room for it
   * @param describe called when all of it has come: what is known of it; throws where it is not wanted
   */
  async add(
    tenant: string,
    source: Readable,
    describe: () => Pick<StoredFile, "filename" | "purpose">,
  ): Promise<StoredFile> {
    await this.open();
    const place = this.#quota.admit(tenant, () => this.#bytesOf(tenant));
    const { id, part } = await this.begin(tenant);
    try {
      await pipeline(source, place.counting, createWriteStream(part, { mode: OWNER_FILE, flags: "wx" }));
      const about = describe();
      place.take();
      return await this.adopt(tenant, id, about);
    } catch (error) {
      await remove(part);
      throw error;
    } finally {
      place.done();
    }
  }

  #bytesOf(tenant: string): number {
    let sum = 0;
    for (const file of this.#files.values()) if (file.tenant === tenant) sum += file.bytes;
    return sum;
  }

  /** A new file's id, and where it is written before it is adopted. */
  async begin(tenant: string): Promise<{ id: string; part: string }> {
    await this.open();
    await mkdir(path.join(this.#folder, tenantFolder(tenant)), { recursive: true, mode: OWNER_FOLDER });
    const id = `file-${randomUUID().replaceAll("-", "")}`;
    return { id, part: this.#path(tenant, id, `${DATA}${PART}`) };
  }

  /** Makes a file of what was written to the part of {@link begin}. */
  async adopt(
    tenant: string,
    id: string,
    { filename, purpose }: Pick<StoredFile, "filename" | "purpose">,
  ): Promise<StoredFile> {
    const part = this.#path(tenant, id, `${DATA}${PART}`);
    const handle = await open(part, "r+");
    let bytes: number;
    try {
      await handle.sync();
      bytes = (await handle.stat()).size;
    } finally {
      await handle.close();
    }
    await moveInto(part, this.#path(tenant, id, DATA));
    const file: Kept = { id, tenant, bytes, createdMs: Date.now(), filename, purpose };
    await writeWhole(this.#path(tenant, id, FACTS), JSON.stringify(file));
    this.#files.set(id, file);
    return file;
  }

  /** @throws Problem (rejects) 404 */
  async delete(tenant: string, id: string): Promise<void> {
    await this.find(tenant, id);
    this.#files.delete(id);
    await remove(this.#path(tenant, id, FACTS));
    await remove(this.#path(tenant, id, DATA));
  }

  async #open(): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: OWNER_FOLDER });
    const found: Kept[] = [];
    for (const entry of await readdir(this.#folder, { withFileTypes: true })) {
      if (!entry.isDirectory()) continue;
      const folder = path.join(this.#folder, entry.name);
      const names = await readdir(folder);
      for (const name of names) {
        const facts = name.replace(/\.data$/, FACTS);
        // What a start before did not finish, and what a deletion left.
        if (name.endsWith(PART) || (name.endsWith(DATA) && !names.includes(facts)))
          await remove(path.join(folder, name));
        else if (name.endsWith(FACTS)) found.push(JSON.parse(await readFile(path.join(folder, name), "utf8")) as Kept);
      }
    }
    found.sort((a, b) => a.createdMs - b.createdMs);
    for (const file of found) this.#files.set(file.id, file);
  }

  #path(tenant: string, id: string, ending: string): string {
    return path.join(this.#folder, tenantFolder(tenant), `${id}${ending}`);
  }
}
