/** What makes a row the same row: the bytes of its file, and all that its answer depends on. */
import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, readdir, stat } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { MedInferError } from "medinfer";
import type { Settings } from "../flags/settings.js";
import { shortenPath } from "../shorten.js";

/** Characters of an id: those of what was asked, a dash, those of the file. */
const ASKED = 16;
const OF_FILE = 32;

/** What every row is asked, and by whom. */
export interface Asked {
  prompt: string;
  systemPrompt: string | undefined;
  settings: Settings;
  /** The model's path; undefined: the one inside the package, by its name. */
  model: string | undefined;
  /** The projector's, where it is named. */
  mmproj: string | undefined;
}

/**
 * A digest of all that is the same for every row. Of threads, devices, sizes of batches and contexts none counts: a run may go
 * on with others.
 *
 * @throws MedInferError (rejects) `MODEL_NOT_FOUND`
 */
export async function digestAsked({ model, mmproj, ...asked }: Asked): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify(asked));
  await addModel(hash, model, mmproj);
  return hash.digest("hex").slice(0, ASKED);
}

/** What the model inside the package is called. */
export const EMBEDDED = "medinfer-tiny";

/**
 * What a model is called where others have to know whether theirs is the same: of a file, its name and a digest.
 *
 * @throws MedInferError (rejects) `MODEL_NOT_FOUND`
 */
export async function modelName(model: string | undefined, mmproj: string | undefined): Promise<string> {
  if (model === undefined && mmproj === undefined) return EMBEDDED;
  const hash = createHash("sha256");
  await addModel(hash, model, mmproj);
  const stem = model === undefined ? EMBEDDED : path.basename(path.resolve(model), ".gguf");
  return `${stem}@${hash.digest("hex").slice(0, ASKED)}`;
}

async function addModel(hash: Hash, model: string | undefined, mmproj: string | undefined): Promise<void> {
  try {
    if (model === undefined) hash.update("\0embedded");
    else for (const file of await filesOf(model, mmproj === undefined)) await addSample(hash, file);
    if (mmproj !== undefined) await addSample(hash, mmproj);
  } catch (error) {
    const { code = "unknown", path: file = "" } = error as NodeJS.ErrnoException;
    throw new MedInferError("MODEL_NOT_FOUND", `${shortenPath(file)} cannot be read (${code}): check the path`);
  }
}

/** The id of a file's row, where it has no pages; of a file that cannot be read, made of its name. */
export async function rowId(asked: string, file: string): Promise<string> {
  const hash = createHash("sha256");
  try {
    await pipeline(createReadStream(file), hash);
    return `${asked}-${hash.digest("hex").slice(0, OF_FILE)}`;
  } catch {
    const named = createHash("sha256").update(`unreadable\0${file}`);
    return `${asked}-${named.digest("hex").slice(0, OF_FILE)}`;
  }
}

export const rowIdPattern = new RegExp(`^[0-9a-f]{${ASKED}}-[0-9a-f]{${OF_FILE}}(-p[1-9]\\d*)?$`);

/** The id of a page's row. */
export function pageRowId(id: string, page: number): string {
  return `${id}-p${page}`;
}

/** Of a row's id, what all rows of its file have. */
export function fileIdOf(id: string): string {
  return id.replace(/-p\d+$/, "");
}

/** Of a row's id: the digest of what it was asked. */
export function askedOf(id: string): string {
  return id.slice(0, ASKED);
}

/** The files of a model: of one that is split all, with the projectors beside it where one of them may be taken. */
async function filesOf(model: string, withProjectors: boolean): Promise<string[]> {
  if ((await stat(model)).isDirectory()) {
    return (await ggufIn(model)).map((name) => path.join(model, name));
  }
  const folder = path.dirname(model);
  const [, stem] = /^(.*)-\d{5}-of-\d{5}\.gguf$/.exec(path.basename(model)) ?? [];
  const beside = (await ggufIn(folder)).filter((name) => {
    const isPart = stem !== undefined && name.startsWith(`${stem}-`) && /-\d{5}-of-\d{5}\.gguf$/.test(name);
    return isPart || (withProjectors && /mmproj/i.test(name));
  });
  return [...new Set([path.basename(model), ...beside])].map((name) => path.join(folder, name));
}

async function ggufIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.endsWith(".gguf")).sort();
}

const BLOCK = 64 * 1024;
const BLOCKS = 256;

/** The size of a file and blocks all over it: weights of gigabytes that differ, differ everywhere. Small ones are read whole. */
async function addSample(hash: Hash, file: string): Promise<void> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    hash.update(`\0${size}\0`);
    const count = Math.min(BLOCKS, Math.ceil(size / BLOCK));
    const buffer = Buffer.alloc(BLOCK);
    for (let i = 0; i < count; i++) {
      const position = size <= BLOCK * BLOCKS ? i * BLOCK : Math.floor(((size - BLOCK) * i) / (BLOCKS - 1));
      const { bytesRead } = await handle.read(buffer, 0, BLOCK, position);
      hash.update(buffer.subarray(0, bytesRead));
    }
  } finally {
    await handle.close();
  }
}
