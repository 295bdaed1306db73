import { createRequire } from "node:module";

/** What is used of libheif-js, which brings no types for it. */
export interface HeifLibrary {
  readonly HeifDecoder: new () => { decode(file: Uint8Array): HeifImage[] };
}

/** A picture of a file. Its memory is freed by `free`. */
export interface HeifImage {
  get_width(): number;
  get_height(): number;
  is_primary(): boolean;
  /** Decodes into RGBA; the callback is given null where that failed. */
  display(target: { data: Uint8ClampedArray; width: number; height: number }, done: (result: unknown) => void): void;
  free(): void;
}

/** The library; it is compiled when it is first asked for. */
export function loadLibheif(): HeifLibrary {
  return createRequire(__filename)("libheif-js/wasm-bundle.js") as HeifLibrary;
}
