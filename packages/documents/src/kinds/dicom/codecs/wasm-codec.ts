import { damaged } from "../../../decoder/fault.js";

/** What a codec tells of the picture that it decoded. */
export interface FrameInfo {
  readonly width: number;
  readonly height: number;
  readonly bitsPerSample: number;
  readonly componentCount: number;
  readonly isSigned?: boolean;
}

/** A decoder of a @cornerstonejs codec. Both buffers are views of the module's memory, and end with the next call. */
interface Decoder {
  getEncodedBuffer(length: number): Uint8Array;
  decode(): void;
  getFrameInfo(): FrameInfo;
  getDecodedBuffer(): Uint8Array;
  getInterleaveMode?(): number;
  delete(): void;
}

type Module = Record<string, new () => Decoder>;

/** Makes a module; what it would print goes to the options' functions. */
export type ModuleFactory = (options: { print(line: string): void; printErr(line: string): void }) => Promise<Module>;

/** What was decoded. */
export interface Decoded {
  readonly info: FrameInfo;
  readonly data: Uint8Array;
  /** Of JPEG-LS: 0 where samples of one colour follow each other. */
  readonly interleaveMode?: number | undefined;
}

/** A codec in WebAssembly: one module of the process, made with the first frame, and made anew when it failed. */
export class WasmCodec {
  readonly #load: () => Promise<{ readonly default: ModuleFactory }>;
  readonly #decoder: string;
  #module: Promise<Module> | undefined;

  /** @param load imports the codec's package: with the first frame alone, as loading takes 50 ms */
  constructor(load: () => Promise<{ readonly default: ModuleFactory }>, decoder: string) {
    this.#load = load;
    this.#decoder = decoder;
  }

  /**
   * Decodes a frame. What it gives is to be held against what was expected: some codecs give nothing, and no error, for what they
   * cannot decode.
   *
   * @param what the data's name for messages, e.g. `JPEG-LS`
   * @throws Fault (rejects)
   */
  async decode(encoded: Uint8Array, what: string): Promise<Decoded> {
    const module = await (this.#module ??= this.#make());
    try {
      const decoder = new module[this.#decoder]!();
      try {
        decoder.getEncodedBuffer(encoded.length).set(encoded);
        decoder.decode();
        const info = decoder.getFrameInfo();
        const data = decoder.getDecodedBuffer().slice();
        return { info, data, interleaveMode: decoder.getInterleaveMode?.() };
      } finally {
        decoder.delete();
      }
    } catch {
      // C++ exceptions come as bare numbers, and an aborted module is of no more use.
      this.#module = undefined;
      throw damaged(`its ${what} data is damaged`);
    }
  }

  async #make(): Promise<Module> {
    const { default: factory } = await this.#load();
    // An options object of its own: a module keeps its memory and functions in it.
    return factory({ print: () => {}, printErr: () => {} });
  }
}
