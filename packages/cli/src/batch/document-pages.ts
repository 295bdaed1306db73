import { BatchError, type PageImage, type PagesOf, type Row } from "@medinfer/batch";
import { DocumentReader, type Document, type DocumentPage } from "@medinfer/documents";
import { isPicture, readHead } from "../documents/file-type.js";

/** Documents that are kept open: rows of one document, a page each, come one after another. */
const MOST_OPEN = 4;

/** What is kept of a row's page beside its answer. */
export type PageFacts = Pick<DocumentPage, "number" | "pageCount" | "kind" | "size" | "text">;

/** The pages of rows: counted, and drawn by one reader. */
export class DocumentPages {
  readonly #reader = new DocumentReader();
  readonly #password: string | undefined;
  /** By the digest of their bytes; the one that was used last is the last. */
  readonly #open = new Map<string, Promise<Document>>();
  readonly #facts = new WeakMap<Row, PageFacts>();

  constructor(password: string | undefined) {
    this.#password = password;
  }

  readonly count: PagesOf = async ({ ref }, signal) => {
    // What is wrong with a picture, the engine says of its row.
    if (isPicture(await readHead(ref))) return 1;
    const document = await this.#reader.open(ref, { password: this.#password, signal });
    document.close();
    return document.pageCount;
  };

  readonly image: PageImage = async (row, bytes, signal) => {
    if (row.page === 0) {
      throw new BatchError("SOURCE_UNREADABLE", "the document's pages were never counted: annotate its folder again");
    }
    if (isPicture(bytes)) {
      this.#facts.set(row, { number: 1, pageCount: 1, kind: kindOf(bytes), size: undefined, text: undefined });
      return bytes;
    }
    const document = await this.#documentOf(row, bytes, signal);
    const { image, ...facts } = await document.page(row.page, { signal });
    this.#facts.set(row, facts);
    return image;
  };

  /** Of a row whose picture was asked for. */
  factsOf(row: Row): PageFacts | undefined {
    return this.#facts.get(row);
  }

  close(): Promise<void> {
    this.#open.clear();
    return this.#reader.close();
  }

  #documentOf(row: Row, bytes: Uint8Array, signal: AbortSignal): Promise<Document> {
    const key = row.sha256 ?? row.ref;
    const open = this.#open.get(key) ?? this.#reader.open(bytes, { password: this.#password });
    signal.throwIfAborted();
    open.catch(() => this.#open.get(key) === open && this.#open.delete(key));
    this.#open.delete(key);
    this.#open.set(key, open);
    // Others may be reading it: it is closed when nobody holds it any more.
    for (const oldest of this.#open.keys()) {
      if (this.#open.size <= MOST_OPEN) break;
      this.#open.delete(oldest);
    }
    return open;
  }
}

const firstBytes: Readonly<Record<number, DocumentPage["kind"]>> = { 0x89: "png", 0xff: "jpeg", 0x47: "gif" };

/** REQUIRES: isPicture */
function kindOf(picture: Uint8Array): DocumentPage["kind"] {
  return firstBytes[picture[0]!] ?? "bmp";
}
