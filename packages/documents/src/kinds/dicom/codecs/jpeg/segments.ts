import { damaged, unsupported } from "../../../../decoder/fault.js";
import { HuffmanTable } from "./huffman-table.js";

/** A component of a JPEG frame, ITU-T T.81 B.2.2. */
export interface Component {
  readonly id: number;
  /** Sampling factors. */
  readonly h: number;
  readonly v: number;
  /** Index of its quantisation table. */
  readonly quantisation: number;
}

/** A frame's header. */
export interface FrameHeader {
  /** Of its marker, e.g. 0xc0 for baseline, 0xc3 for lossless, 0xf7 for JPEG-LS. */
  readonly process: number;
  /** Bits of a sample. */
  readonly precision: number;
  readonly width: number;
  readonly height: number;
  readonly components: readonly Component[];
}

/** A scan's header, and the tables in force. */
export interface Scan {
  readonly components: readonly { readonly id: number; readonly dc: number; readonly ac: number }[];
  /** Ss: in lossless processes the predictor. */
  readonly start: number;
  /** Al: in lossless processes the point transform. */
  readonly low: number;
  /** Where its coded data begins. */
  readonly offset: number;
  readonly restartInterval: number;
  readonly dcTables: readonly (HuffmanTable | undefined)[];
  readonly acTables: readonly (HuffmanTable | undefined)[];
  /** In zigzag order. */
  readonly quantisations: readonly (Uint16Array | undefined)[];
}

/** What a stream says of its colours. */
export interface ColourMarkers {
  /** Of Adobe's marker: 0: as they are, 1: YCbCr. */
  readonly adobe?: number | undefined;
  readonly jfif: boolean;
}

const SOI = 0xd8;
const EOI = 0xd9;
const SOS = 0xda;

/** Walks over the marker segments of a JPEG stream, ITU-T T.81 annex B; of JPEG-LS, ITU-T T.87, as far as the frame's header. */
export class JpegSegments {
  readonly bytes: Uint8Array;
  #at = 2;
  #frame: FrameHeader | undefined;
  #adobe: number | undefined;
  #jfif = false;
  #restartInterval = 0;
  readonly #dc: (HuffmanTable | undefined)[] = [];
  readonly #ac: (HuffmanTable | undefined)[] = [];
  readonly #quantisations: (Uint16Array | undefined)[] = [];

  /** @throws Fault `DOCUMENT_DECODE` where it does not begin like JPEG */
  constructor(bytes: Uint8Array) {
    if (bytes[0] !== 0xff || bytes[1] !== SOI) throw damaged("its data is no JPEG stream");
    this.bytes = bytes;
  }

  get colour(): ColourMarkers {
    return { adobe: this.#adobe, jfif: this.#jfif };
  }

  /** The frame's header. Reads no tables behind it. */
  frame(): FrameHeader {
    while (this.#frame === undefined) {
      const marker = this.#segment();
      if (marker === EOI || marker === SOS) throw damaged("its JPEG stream has no frame header");
    }
    return this.#frame;
  }

  /** The next scan; undefined behind the last. REQUIRES: `skipTo` behind each scan */
  nextScan(): Scan | undefined {
    for (;;) {
      const at = this.#at;
      const marker = this.#segment();
      if (marker === EOI) return undefined;
      if (marker === SOS) return this.#scan(at + 4);
    }
  }

  /** Goes on at this offset: where a scan's data ended. */
  skipTo(offset: number): void {
    this.#at = offset;
  }

  /** Reads one segment. */
  #segment(): number {
    const { bytes } = this;
    // Fill bytes may stand in front of a marker.
    while (bytes[this.#at] === 0xff && bytes[this.#at + 1] === 0xff) this.#at++;
    const marker = bytes[this.#at + 1];
    if (bytes[this.#at] !== 0xff || marker === undefined) throw damaged("its JPEG stream is cut short or damaged");
    this.#at += 2;
    if (marker === EOI || marker === SOI || (marker >= 0xd0 && marker <= 0xd7)) return marker;
    const length = this.#uint16(this.#at);
    const end = this.#at + length;
    if (length < 2 || end > bytes.length) throw damaged("its JPEG stream is cut short or damaged");
    const body = bytes.subarray(this.#at + 2, end);
    this.#at = end;
    if (marker === 0xc4) this.#huffman(body);
    else if (marker === 0xdb) this.#quantisation(body);
    else if (marker === 0xdd) this.#restartInterval = (byteOf(body, 0) << 8) | byteOf(body, 1);
    else if (marker === 0xe0) this.#jfif ||= startsWith(body, "JFIF\0");
    else if (marker === 0xee && startsWith(body, "Adobe")) this.#adobe = body[11];
    else if (isFrameHeader(marker)) this.#frameHeader(marker, body);
    return marker;
  }

  #uint16(at: number): number {
    return (byteOf(this.bytes, at) << 8) | byteOf(this.bytes, at + 1);
  }

  #frameHeader(process: number, body: Uint8Array): void {
    if (this.#frame !== undefined) throw unsupported("its JPEG stream is hierarchical, which is not read");
    const count = byteOf(body, 5);
    this.#frame = {
      process,
      precision: byteOf(body, 0),
      height: (byteOf(body, 1) << 8) | byteOf(body, 2),
      width: (byteOf(body, 3) << 8) | byteOf(body, 4),
      components: Array.from({ length: count }, (_, index) => {
        const at = 6 + index * 3;
        const factors = byteOf(body, at + 1);
        return { id: byteOf(body, at), h: factors >> 4, v: factors & 15, quantisation: byteOf(body, at + 2) };
      }),
    };
  }

  #huffman(body: Uint8Array): void {
    for (let at = 0; at < body.length;) {
      const target = byteOf(body, at);
      const counts = body.subarray(at + 1, at + 17);
      const size = counts.reduce((sum, count) => sum + count, 0);
      if (counts.length < 16 || at + 17 + size > body.length || (target & 15) > 3) {
        throw damaged("its JPEG stream has a damaged Huffman table");
      }
      const tables = target >> 4 === 0 ? this.#dc : this.#ac;
      tables[target & 15] = new HuffmanTable(counts, body.subarray(at + 17, at + 17 + size));
      at += 17 + size;
    }
  }

  #quantisation(body: Uint8Array): void {
    for (let at = 0; at < body.length;) {
      const target = byteOf(body, at++);
      const size = target >> 4 === 0 ? 1 : 2;
      const table = new Uint16Array(64);
      for (let k = 0; k < 64; k++, at += size) {
        table[k] = size === 1 ? byteOf(body, at) : (byteOf(body, at) << 8) | byteOf(body, at + 1);
      }
      this.#quantisations[target & 15] = table;
    }
  }

  #scan(at: number): Scan {
    const count = byteOf(this.bytes, at);
    const components = Array.from({ length: count }, (_, index) => {
      const tables = byteOf(this.bytes, at + 2 + index * 2);
      return { id: byteOf(this.bytes, at + 1 + index * 2), dc: tables >> 4, ac: tables & 15 };
    });
    return {
      components,
      start: byteOf(this.bytes, at + 1 + count * 2),
      low: byteOf(this.bytes, at + 3 + count * 2) & 15,
      offset: this.#at,
      restartInterval: this.#restartInterval,
      dcTables: [...this.#dc],
      acTables: [...this.#ac],
      quantisations: [...this.#quantisations],
    };
  }
}

/** SOF0 to SOF15 but DHT, JPG and DAC; SOF55 of JPEG-LS. */
const isFrameHeader = (marker: number) =>
  (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) || marker === 0xf7;

function byteOf(bytes: Uint8Array, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) throw damaged("its JPEG stream is cut short");
  return byte;
}

const startsWith = (body: Uint8Array, text: string) =>
  Buffer.from(body.subarray(0, text.length)).toString("latin1") === text;
