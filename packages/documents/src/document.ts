import { MedInferError } from "medinfer";
import type { Answer, DocumentBytes, EncodedPage, Opened, Question } from "./decoder/messages.js";
import { aborted, DocumentError } from "./errors.js";
import type { DocumentKind, OpenOptions } from "./kinds/open-document.js";
import type { DecoderPool } from "./reader/decoder-pool.js";
import type { DecoderProcess, NoAnswer } from "./reader/decoder-process.js";

/** A page of a document. */
export interface DocumentPage extends EncodedPage {
  /** From 1. */
  readonly number: number;
  /** Of the document. */
  readonly pageCount: number;
  /** What kind of file the document was. */
  readonly kind: DocumentKind;
}

/** What a document is decoded with. */
export interface DocumentParts {
  readonly pool: DecoderPool;
  readonly source: DocumentBytes;
  readonly maxBytes: number;
  /** Most milliseconds of one page, and of opening. */
  readonly pageTimeoutMs: number;
  readonly options: OpenOptions;
}

/**
 * An open document. Pages are decoded when they are asked for, in any order; one that fails takes none of the others with it. It
 * needs no closing, but closing gives its memory back.
 */
export class Document {
  readonly kind: DocumentKind;
  readonly pageCount: number;
  readonly #parts: DocumentParts;
  #closed = false;

  /** REQUIRES: `opened` is what `parts.source` is. */
  private constructor(parts: DocumentParts, { kind, pageCount }: Opened) {
    this.#parts = parts;
    this.kind = kind;
    this.pageCount = pageCount;
  }

  /** See DocumentReader.open. */
  static async open(parts: DocumentParts, signal: AbortSignal | undefined): Promise<Document> {
    const owner = {};
    return parts.pool.use(owner, signal, async (decoder) => {
      const opened = await open(parts, decoder, signal, undefined);
      const document = new Document(parts, opened);
      decoder.owner = document;
      return document;
    });
  }

  /**
   * Decodes a page.
   *
   * @param number from 1 to `pageCount`
   * @throws MedInferError (rejects) `DOCUMENT_DECODE`, `DOCUMENT_UNSUPPORTED`, `DOCUMENT_TOO_LARGE` or `DOCUMENT_TIMEOUT` with the
   * page, `INVALID_ARGUMENT`, `ABORTED`, `CLOSED`
   */
  async page(number: number, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<DocumentPage> {
    if (!Number.isInteger(number) || number < 1 || number > this.pageCount) {
      throw new MedInferError(
        "INVALID_ARGUMENT",
        `document.page: number must be an integer from 1 to ${this.pageCount}`,
      );
    }
    if (this.#closed) throw new MedInferError("CLOSED", "document.page: the document is closed");
    try {
      const page = await this.#parts.pool.use(this, signal, (decoder) => this.#decode(decoder, number, signal));
      return { ...page, number, pageCount: this.pageCount, kind: this.kind };
    } finally {
      if (this.#closed) this.close(); // meanwhile: now its decoder is free to be told
    }
  }

  /** All pages in their order, the next one decoded while you use one. Ends with the first page that fails. */
  async *pages({ signal }: { signal?: AbortSignal | undefined } = {}): AsyncGenerator<DocumentPage, void, undefined> {
    let next = this.page(1, { signal });
    for (let number = 1; number <= this.pageCount; number++) {
      const page = await next;
      if (number < this.pageCount) {
        next = this.page(number + 1, { signal });
        next.catch(() => {}); // it is looked at when its turn comes
      }
      yield page;
    }
  }

  /** Gives its memory back, where a decoder has it open. Later calls of `page` are refused. */
  close(): void {
    this.#closed = true;
    if (this.#parts.pool.holding(this) === undefined) return;
    void this.#parts.pool.use(this, undefined, async (decoder) => {
      if (decoder.owner !== this) return;
      decoder.owner = undefined;
      await decoder.ask({ ask: "close" }, { timeoutMs: this.#parts.pageTimeoutMs, signal: undefined });
    });
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #decode(decoder: DecoderProcess, number: number, signal: AbortSignal | undefined): Promise<EncodedPage> {
    // Another document was opened there since, or the process that had this one is gone.
    if (decoder.owner !== this) {
      await open(this.#parts, decoder, signal, number);
      decoder.owner = this;
    }
    const answer = await ask(this.#parts, decoder, { ask: "page", number }, signal, number);
    if (answer.is !== "page") throw defect(number);
    return answer.page;
  }
}

async function open(
  parts: DocumentParts,
  decoder: DecoderProcess,
  signal: AbortSignal | undefined,
  page: number | undefined,
): Promise<Opened> {
  const { source, maxBytes, options } = parts;
  // The document that was open there is closed by that, whatever comes of it.
  decoder.owner = undefined;
  decoder.opened += 1;
  const answer = await ask(parts, decoder, { ask: "open", source, maxBytes, options }, signal, page);
  if (answer.is !== "opened") throw defect(page);
  return answer.opened;
}

async function ask(
  { pageTimeoutMs: timeoutMs }: DocumentParts,
  decoder: DecoderProcess,
  question: Question,
  signal: AbortSignal | undefined,
  page: number | undefined,
): Promise<Answer> {
  const answer = await decoder.ask(question, { timeoutMs, signal });
  if (typeof answer === "string") throw noAnswer(answer, { page, timeoutMs, signal });
  if (answer.is === "fault") throw new DocumentError(answer.code, answer.message, { page });
  if (answer.is === "defect") throw defect(page);
  return answer;
}

function noAnswer(
  why: NoAnswer,
  { page, timeoutMs, signal }: { page: number | undefined; timeoutMs: number; signal: AbortSignal | undefined },
): MedInferError {
  switch (why) {
    case "aborted":
      return aborted(signal);
    case "timeout":
      return new DocumentError(
        "DOCUMENT_TIMEOUT",
        `not decoded within pageTimeoutMs (${timeoutMs}): its decoder was ended`,
        { page },
      );
    case "crashed":
      return new DocumentError(
        "DOCUMENT_DECODE",
        "its decoder's process ended without an answer: the file is damaged, or memory is short",
        { page },
      );
  }
}

/** What a decoder threw that was no fault of its own: of the file, most likely. */
function defect(page: number | undefined): MedInferError {
  return new DocumentError("DOCUMENT_DECODE", "it cannot be decoded: it is damaged in a way that is not known", {
    page,
  });
}
