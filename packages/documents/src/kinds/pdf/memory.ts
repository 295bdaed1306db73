import { Fault } from "../../decoder/fault.js";
import type { Pdfium } from "./pdfium.js";

/** PDFium's memory of one call: what is allocated in it is freed with it. Views go stale when that memory grows. */
export class Memory {
  readonly #pdfium: Pdfium;
  readonly #blocks: number[] = [];

  constructor(pdfium: Pdfium) {
    this.#pdfium = pdfium;
  }

  /** Runs `use` with memory that is freed behind it. */
  static with<T>(pdfium: Pdfium, use: (memory: Memory) => T): T {
    const memory = new Memory(pdfium);
    try {
      return use(memory);
    } finally {
      memory.free();
    }
  }

  /** @returns a pointer to so many bytes, of any content */
  allocate(size: number): number {
    const block = this.#pdfium.pdfium.wasmExports.malloc(size);
    if (block === 0) throw new Fault("DOCUMENT_TOO_LARGE", "the PDF needs more memory than PDFium can have: split it");
    this.#blocks.push(block);
    return block;
  }

  /** A copy of these bytes. */
  copy(bytes: Uint8Array): number {
    const block = this.allocate(bytes.byteLength);
    this.#pdfium.pdfium.HEAPU8.set(bytes, block);
    return block;
  }

  double(pointer: number): number {
    return this.#pdfium.pdfium.getValue(pointer, "double");
  }

  float(pointer: number): number {
    return this.#pdfium.pdfium.getValue(pointer, "float");
  }

  /**
   * A text of UTF-16, of a function that tells how many bytes it needs, the zero at the end included, and fills a buffer.
   *
   * @param call is first given no buffer
   */
  text(call: (buffer: number, size: number) => number): string {
    const size = call(0, 0);
    if (size <= 2) return "";
    const buffer = this.allocate(size);
    call(buffer, size);
    return this.#pdfium.pdfium.UTF16ToString(buffer);
  }

  free(): void {
    for (const block of this.#blocks.splice(0)) this.#pdfium.pdfium.wasmExports.free(block);
  }
}
