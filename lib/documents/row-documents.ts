import { argumentError, MedInferError, toMedInferError } from "../errors.js";
import { loadDocumentReader } from "./load-reader.js";
import type { DocumentOptions, DocumentPage, DocumentReader, DocumentSource, OpenDocument } from "./types.js";

/** A document of a row, and which of its pages are meant. */
export interface RowDocument {
  readonly document?: DocumentSource | undefined;
  /** From 1. Default: all. */
  readonly pages?: readonly number[] | undefined;
  readonly password?: string | undefined;
}

/** Documents that are kept open: rows of one document, a page each, open it once. */
const MOST_OPEN = 8;

/** A document that rows share. */
interface OpenedOnce {
  readonly password: string | undefined;
  readonly opening: Promise<OpenDocument>;
  /** Rows that read it. */
  users: number;
}

/** The documents of one call's rows. The package that reads them is loaded with the first. */
export class RowDocuments {
  readonly #options: DocumentOptions;
  readonly #call: string;
  #reader: DocumentReader | undefined;
  /** The one that was used last is the last. */
  readonly #open = new Map<DocumentSource, OpenedOnce>();

  /** @param call as messages name it */
  constructor(options: DocumentOptions, call: string) {
    this.#options = options;
    this.#call = call;
  }

  /**
   * The pages of a row, in the order in which it names them.
   *
   * @param where the row, as messages name it
   * @throws MedInferError (rejects) and nothing else
   */
  async pages(row: RowDocument, where: string, signal: AbortSignal | undefined): Promise<DocumentPage[]> {
    try {
      const kept = this.#entry(row, signal);
      kept.users += 1;
      try {
        return await pagesOf(await kept.opening, row, where, signal);
      } finally {
        kept.users -= 1;
        this.#closeUnused();
      }
    } catch (error) {
      throw ofDocument(error);
    }
  }

  /** Ends the reader; what is being read fails. */
  async close(): Promise<void> {
    this.#open.clear();
    await this.#reader?.close();
  }

  /** @throws MedInferError */
  #entry({ document, password }: RowDocument, signal: AbortSignal | undefined): OpenedOnce {
    if (document === undefined) throw new Error("the row has no document");
    const known = this.#open.get(document);
    const entry = known !== undefined && known.password === password ? known : this.#begin(document, password, signal);
    this.#open.delete(document);
    this.#open.set(document, entry);
    return entry;
  }

  /** @throws MedInferError */
  #begin(document: DocumentSource, password: string | undefined, signal: AbortSignal | undefined): OpenedOnce {
    this.#reader ??= loadDocumentReader(this.#options, this.#call);
    const entry = { password, opening: this.#reader.open(document, { password, signal }), users: 0 };
    // Another row may have more luck, as with a password.
    entry.opening.catch(() => this.#open.get(document) === entry && this.#open.delete(document));
    return entry;
  }

  /** A document that is closed while a row reads it would fail that row. */
  #closeUnused(): void {
    for (const [source, { users, opening }] of this.#open) {
      if (this.#open.size <= MOST_OPEN) return;
      if (users > 0) continue;
      this.#open.delete(source);
      opening.then(
        (document) => document.close(),
        () => {}, // it was never open
      );
    }
  }
}

async function pagesOf(
  document: OpenDocument,
  { pages = Array.from({ length: document.pageCount }, (_, index) => index + 1) }: RowDocument,
  where: string,
  signal: AbortSignal | undefined,
): Promise<DocumentPage[]> {
  const [beyond] = pages.filter((number) => number > document.pageCount);
  if (beyond !== undefined) {
    throw argumentError(where, "pages", `has ${beyond}, and the document has ${document.pageCount} pages`);
  }
  const decoded: DocumentPage[] = [];
  for (const number of pages) decoded.push(await document.page(number, { signal }));
  return decoded;
}

/** An error of the package's as the library's: with another copy of the library beside it, the class is not the same. */
function ofDocument(error: unknown): MedInferError {
  if (error instanceof MedInferError) return error;
  const { code, message, retryable } = error as Partial<MedInferError>;
  if (typeof code !== "string" || !code.startsWith("DOCUMENT_") || typeof message !== "string")
    return toMedInferError(error);
  return new MedInferError(code, message, { retryable: retryable === true, cause: error });
}
