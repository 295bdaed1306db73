import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { init, type WrappedPdfiumModule } from "@embedpdf/pdfium";

/** PDFium, compiled to WebAssembly: its functions by their C names, pointers as numbers. One for each process. */
export type Pdfium = Omit<WrappedPdfiumModule, "pdfium"> & {
  /** Its memory; another view after each growth, so that none is kept. */
  readonly pdfium: {
    readonly HEAPU8: Uint8Array;
    // Its own types name Emscripten's global ones, which are not installed.
    getValue(pointer: number, type: "double" | "float"): number;
    UTF16ToString(pointer: number): string;
    readonly wasmExports: { malloc(this: void, size: number): number; free(this: void, pointer: number): void };
  };
};

let loaded: Promise<Pdfium> | undefined;

/** Compiles PDFium where that was not done. */
export function loadPdfium(): Promise<Pdfium> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<Pdfium> {
  const file = createRequire(__filename).resolve("@embedpdf/pdfium/pdfium.wasm");
  const binary = await readFile(file);
  const pdfium = await init({
    wasmBinary: binary.buffer.slice(binary.byteOffset, binary.byteOffset + binary.byteLength),
  });
  pdfium.PDFiumExt_Init();
  return pdfium as unknown as Pdfium;
}
