import { availableParallelism } from "node:os";
import { MedInferError } from "medinfer";
import * as v from "valibot";
import { Document, type DocumentPage } from "./document.js";
import { DecoderPool } from "./reader/decoder-pool.js";
import { documentBytes, type DocumentSource } from "./source.js";

/** Options of a {@link DocumentReader}. */
export interface DocumentReaderOptions {
  /** Most decoder processes at once, each a core's work. Default: one less than the CPUs, from 1 to 4. */
  readonly processes?: number | undefined;
  /** Pixels an inch at which PDF pages are drawn, 20 to 1,200. Default 200, as a fine fax. */
  readonly dpi?: number | undefined;
  /** Most bytes of a document. Default 512 MiB. */
  readonly maxBytes?: number | undefined;
  /** Most pixels of a page, checked before it is decoded; a PDF page is drawn smaller instead. Default 64 million. */
  readonly maxPixels?: number | undefined;
  /** Most pages of a document. Default 10,000. */
  readonly maxPages?: number | undefined;
  /** Most milliseconds of opening a document, and of each page; then its decoder is ended. Default 60,000. */
  readonly pageTimeoutMs?: number | undefined;
}

/** Options of reading one document. */
export interface ReadOptions {
  /** Of an encrypted PDF. */
  readonly password?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

const between = (min: number, max: number) =>
  v.custom<number>(
    (value) => Number.isInteger(value) && Number(value) >= min && Number(value) <= max,
    `must be an integer from ${min} to ${max}`,
  );

/** So many processes at most without being asked to: a batch has engines beside them. */
const MOST_BY_DEFAULT = 4;
const LONGEST_TIMER = 2 ** 31 - 1;

const optionsSchema = v.strictObject({
  processes: v.optional(between(1, 256), () => Math.min(MOST_BY_DEFAULT, Math.max(1, availableParallelism() - 1))),
  dpi: v.optional(between(20, 1200), 200),
  maxBytes: v.optional(between(1, 2 ** 31), 512 * 1024 * 1024),
  maxPixels: v.optional(between(1, 2 ** 29), 64_000_000),
  maxPages: v.optional(between(1, 1_000_000), 10_000),
  pageTimeoutMs: v.optional(between(1, LONGEST_TIMER), 60_000),
});

/**
 * Reads documents of any kind as pages. Files are decoded in processes of their own, which are ended where they take too long; no
 * file ends yours. The processes start with the first document, and keep no program alive.
 *
 * @example
 * await using reader = new DocumentReader();
 * for await (const page of reader.pages("referral.pdf")) console.log(page.number, page.text?.text);
 */
export class DocumentReader {
  readonly #limits: v.InferOutput<typeof optionsSchema>;
  readonly #pool: DecoderPool;
  #closed = false;

  /** @throws MedInferError `INVALID_ARGUMENT` */
  constructor(options: DocumentReaderOptions = {}) {
    const parsed = v.safeParse(optionsSchema, options);
    if (!parsed.success) throw invalid(parsed.issues);
    this.#limits = parsed.output;
    this.#pool = new DecoderPool(parsed.output.processes);
  }

  /**
   * Opens a document; its pages are decoded when they are asked for.
   *
   * @throws MedInferError (rejects) `DOCUMENT_NOT_FOUND`, `DOCUMENT_FETCH`, `DOCUMENT_DECODE`, `DOCUMENT_UNSUPPORTED`,
   * `DOCUMENT_PASSWORD`, `DOCUMENT_TOO_LARGE`, `DOCUMENT_TIMEOUT`, `INVALID_ARGUMENT`, `ABORTED`, `CLOSED`
   */
  async open(source: DocumentSource, { password, signal }: ReadOptions = {}): Promise<Document> {
    if (this.#closed) throw new MedInferError("CLOSED", "documents: the reader is closed");
    const { dpi, maxBytes, maxPixels, maxPages, pageTimeoutMs } = this.#limits;
    const bytes = await documentBytes(source, { maxBytes, signal });
    const options = { dpi, maxPixels, maxPages, password };
    return Document.open({ pool: this.#pool, source: bytes, maxBytes, pageTimeoutMs, options }, signal);
  }

  /** All pages of a document, one after another; see {@link Document.pages}. The document is closed behind them. */
  async *pages(source: DocumentSource, options: ReadOptions = {}): AsyncGenerator<DocumentPage, void, undefined> {
    const document = await this.open(source, options);
    try {
      yield* document.pages(options);
    } finally {
      document.close();
    }
  }

  /** Ends its processes. Pages that are being decoded are finished first; those that wait for a process are refused. */
  close(): Promise<void> {
    this.#closed = true;
    return this.#pool.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** All pages of one document, by a reader of its own. Of several, a {@link DocumentReader} keeps its processes. */
export async function* readDocument(
  source: DocumentSource,
  { password, signal, ...options }: DocumentReaderOptions & ReadOptions = {},
): AsyncGenerator<DocumentPage, void, undefined> {
  const reader = new DocumentReader(options);
  try {
    yield* reader.pages(source, { password, signal });
  } finally {
    await reader.close();
  }
}

function invalid(issues: readonly v.BaseIssue<unknown>[]): MedInferError {
  const found = issues.map((issue) => {
    const path = v.getDotPath(issue) ?? "";
    return { path, message: issue.type === "strict_object" ? "is no option" : issue.message };
  });
  const [first] = found;
  return new MedInferError("INVALID_ARGUMENT", `documents: ${first!.path} ${first!.message}`, { issues: found });
}
