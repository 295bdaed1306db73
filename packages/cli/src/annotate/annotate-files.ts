import path from "node:path";
import { MedInferError, type AnnotateOptions, type Engine, type ErrorCode } from "medinfer";
import { imageFiles } from "./image-files.js";
import { rowId } from "./identity.js";
import type { Counts, Progress } from "./progress.js";
import { rowOf, type FileRow, type Row } from "./row.js";

/** Where rows go. */
export interface RowSink {
  /** The run has this file. Told of all of them before the first `isDone`. */
  expect(file: string): void;
  isDone(id: string, file: string): "done" | "failed" | undefined;
  add(row: Row): Promise<void>;
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
 * Reads all images, and writes a row for each that has none, in the order of the files.
 *
 * @param asked the digest of what every row is asked
 * @param total how many files there are
 * @throws MedInferError (rejects) where the run cannot go on; the rows so far are written
 */
export async function annotateFiles(
  engine: Engine,
  paths: readonly string[],
  {
    asked,
    total,
    options,
    sink,
    progress,
  }: {
    asked: string;
    total: number;
    options: AnnotateOptions;
    sink: RowSink;
    progress: Progress;
  },
): Promise<Counts> {
  const counts: Counts = { total, skipped: 0, written: 0, failed: 0 };
  for await (const file of imageFiles(paths, { files: 0 })) {
    options.signal?.throwIfAborted();
    sink.expect(file);
  }
  async function* rows(): AsyncGenerator<FileRow, void, undefined> {
    for await (const file of imageFiles(paths, { files: 0 })) {
      const id = await rowId(asked, file);
      const done = sink.isDone(id, file);
      if (done === undefined) {
        yield { id, image: path.resolve(file), file };
        continue;
      }
      counts.skipped += 1;
      if (done === "failed") counts.failed += 1;
      progress.update(counts);
    }
  }
  progress.update(counts);
  try {
    for await (const result of engine.annotate(rows(), options)) {
      const { error } = result;
      if (error !== undefined && ofTheRun.includes(error.code)) throw error;
      await sink.add(rowOf(result));
      counts.written += 1;
      if (error !== undefined) counts.failed += 1;
      progress.update(counts);
    }
  } finally {
    progress.end(counts);
  }
  return counts;
}

/** Refuses what would fail every row, before the first. */
export function requireVision({ info }: Engine): void {
  if (info.vision) return;
  const why = info.projectorWarning === "" ? "the model has no projector" : info.projectorWarning;
  throw new MedInferError("NO_VISION", `the model reads no images: ${why}: name one with --mmproj`);
}
