import { MedInferError } from "medinfer";
import { Problem } from "../http/problem.js";

/** What is used of @medinfer/documents, which is optional. */
interface DocumentsPackage {
  readonly DocumentReader: new (options: object) => DocumentReader;
}
interface DocumentReader {
  pages(source: Uint8Array): AsyncIterable<{ readonly image: Uint8Array }>;
  close(): Promise<void>;
}

/** More pages are no part of a conversation: no context holds them. A folder of documents is for `medinfer annotate`. */
const MOST_PAGES = 100;
/** Most milliseconds of a page: somebody waits for the answer. */
const PAGE_TIMEOUT_MS = 30_000;
const DATA_URL = /^data:[\w.+/-]*(?:;[\w.+=-]+)*;base64,/i;

/** Documents of requests, as the pictures of their pages. The package that reads them is loaded with the first one. */
export class DocumentPages {
  #reader: Promise<DocumentReader | undefined> | undefined;

  /** See ImageReader.pages. */
  async read(file: string, param: string): Promise<Uint8Array[]> {
    const bytes = bytesOf(file, param);
    this.#reader ??= loadReader();
    const reader = await this.#reader;
    if (reader === undefined) {
      const what =
        "is a document, and this server reads none: have its operator install @medinfer/documents, or send its pages as images";
      throw new Problem(400, "documents_off", `${param} ${what}`, { param });
    }
    const pages: Uint8Array[] = [];
    try {
      for await (const { image } of reader.pages(bytes)) pages.push(image);
    } catch (error) {
      throw at(param, error);
    }
    return pages;
  }

  /** Ends the processes that decode. */
  async close(): Promise<void> {
    const reader = await this.#reader?.catch(() => undefined);
    await reader?.close();
  }
}

async function loadReader(): Promise<DocumentReader | undefined> {
  const name = "@medinfer/documents";
  let found: DocumentsPackage;
  try {
    found = (await import(name)) as DocumentsPackage;
  } catch (error) {
    if (["ERR_MODULE_NOT_FOUND", "MODULE_NOT_FOUND"].includes((error as NodeJS.ErrnoException).code ?? ""))
      return undefined;
    throw error;
  }
  return new found.DocumentReader({ maxPages: MOST_PAGES, pageTimeoutMs: PAGE_TIMEOUT_MS });
}

function bytesOf(file: string, param: string): Uint8Array {
  const text = file.replace(DATA_URL, "");
  const bytes = /^[A-Za-z0-9+/_-]+={0,2}\s*$/.test(text) ? Buffer.from(text, "base64") : new Uint8Array();
  if (bytes.byteLength > 0) return bytes;
  const what = "must be a file in base64, or as a data: URL such as data:application/pdf;base64,…";
  throw new Problem(400, "invalid_document", `${param} ${what}`, { param });
}

/** The error with its place in the request. */
function at(param: string, error: unknown): unknown {
  if (!(error instanceof MedInferError)) return error;
  const { code, message, retryable } = error;
  return new MedInferError(code, `${param}: ${message}`, {
    retryable,
    issues: [{ path: param, message }],
    cause: error,
  });
}
