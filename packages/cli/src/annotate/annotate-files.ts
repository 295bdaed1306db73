import path from "node:path";
import { DocumentReader } from "@medinfer/documents";
import { MedInferError, type AnnotateOptions, type Engine, type ErrorCode } from "medinfer";
import { documentFiles } from "../documents/document-files.js";
import { isPicture, readHead } from "../documents/file-type.js";
import { pageRowId, rowId } from "./identity.js";
import type { Counts, Progress } from "./progress.js";
import { rowOf, type EvidenceSettings, type FileRow, type Row } from "./row.js";

/** Where rows go. */
export interface RowSink {
  /** The run has this file. Told of all of them before the first `isDone`. */
  expect(file: string): void;
  isDone(id: string, file: string): "done" | "failed" | undefined;
  add(row: Row): Promise<void>;
}

/** What is asked of files, and where the answers go. */
export interface FileAnnotation {
  /** The digest of what every row is asked. */
  asked: string;
  /** How many files there are. */
  total: number;
  options: AnnotateOptions;
  /** Of encrypted documents; undefined: none is known. */
  password: string | undefined;
  /** Undefined: no evidence is asked for. */
  evidence: EvidenceSettings | undefined;
  sink: RowSink;
  progress: Progress;
}

/** Errors that are not one image's: with them the run ends, to be gone on with later, and no row is written. */
const ofTheRun: readonly ErrorCode[] = [
  "INVALID_ARGUMENT",
  "NO_VISION",
  "CLOSED",
  "ABORTED",
  "BACKEND_LOST",
  "NO_DEVICE",
];

/**
 * Reads all files, and writes a row for each page, or picture, that has none, in their order.
 *
 * @throws MedInferError (rejects) where the run cannot go on; the rows so far are written
 */
export async function annotateFiles(
  engine: Engine,
  paths: readonly string[],
  { asked, total, options, password, evidence, sink, progress }: FileAnnotation,
): Promise<Counts> {
  const counts: Counts = { total, skipped: 0, written: 0, failed: 0 };
  for await (const file of documentFiles(paths, { files: 0 })) {
    options.signal?.throwIfAborted();
    sink.expect(file);
  }
  const reader = new DocumentReader({ processes: 1 });
  const isDone = (id: string, file: string) => {
    const done = sink.isDone(id, file);
    if (done === undefined) return false;
    counts.skipped += 1;
    if (done === "failed") counts.failed += 1;
    progress.update(counts);
    return true;
  };
  async function* rows(): AsyncGenerator<FileRow, void, undefined> {
    for await (const file of documentFiles(paths, { files: 0 })) {
      const id = await rowId(asked, file);
      // Of a document: it could not be opened, and is not tried again.
      if (isDone(id, file)) continue;
      const pages = await rowsOf(reader, { id, file, password }, options.signal);
      counts.total += pages.length - 1;
      for (const page of pages) if (page.page === null || !isDone(page.id, file)) yield page;
    }
  }
  progress.update(counts);
  try {
    for await (const result of engine.annotate(rows(), options)) {
      const { error } = result;
      if (error !== undefined && ofTheRun.includes(error.code)) throw error;
      await sink.add(rowOf(result, evidence));
      counts.written += 1;
      if (error !== undefined) counts.failed += 1;
      progress.update(counts);
    }
  } finally {
    progress.end(counts);
    await reader.close();
  }
  return counts;
}

/** The rows of a file: one of a picture, one for each page of a document, and one of what cannot be opened, which then says why. */
async function rowsOf(
  reader: DocumentReader,
  { id, file, password }: { id: string; file: string; password: string | undefined },
  signal: AbortSignal | undefined,
): Promise<FileRow[]> {
  // An absolute path: another could be taken for a URL.
  const place = path.resolve(file);
  const whole = { id, file, page: null, pageCount: null };
  const document = { document: place, ...(password === undefined ? {} : { password }) };
  try {
    if (isPicture(await readHead(file))) return [{ ...whole, image: place }];
  } catch {
    return [{ ...whole, image: place }];
  }
  try {
    const opened = await reader.open(place, { password, signal });
    opened.close();
    const { pageCount } = opened;
    return Array.from({ length: pageCount }, (_, index) => {
      const page = index + 1;
      return { ...document, id: pageRowId(id, page), file, page, pageCount, pages: [page] };
    });
  } catch {
    signal?.throwIfAborted();
    return [{ ...whole, ...document }];
  }
}

/** Refuses what would fail every row, before the first. */
export function requireVision({ info }: Engine): void {
  if (info.vision) return;
  const why = info.projectorWarning === "" ? "the model has no projector" : info.projectorWarning;
  throw new MedInferError("NO_VISION", `the model reads no images: ${why}: name one with --mmproj`);
}
