import { damaged } from "../../../../decoder/fault.js";

/** Bits of a scan's coded data, without its stuffed bytes, ITU-T T.81 F.2.2.5. */
export class BitReader {
  readonly #bytes: Uint8Array;
  /** Of the next byte. */
  #at: number;
  /** Bits that were read and not taken; the last ones of the number. At most 32. */
  #held = 0;
  #count = 0;
  /** How many of the bits held are none of the data: behind its end zeros are held. */
  #invented = 0;

  constructor(bytes: Uint8Array, offset: number) {
    this.#bytes = bytes;
    this.#at = offset;
  }

  /** The next bits, which stay. REQUIRES: count <= 16 */
  peek(count: number): number {
    if (this.#count < count) this.#fill();
    return (this.#held >>> (this.#count - count)) & ((1 << count) - 1);
  }

  /** @throws Fault `DOCUMENT_DECODE` where the data has no more: it was cut short */
  skip(count: number): void {
    this.#count -= count;
    if (this.#count < this.#invented) throw damaged("its JPEG data is cut short");
  }

  /** REQUIRES: count <= 16 */
  take(count: number): number {
    const bits = this.peek(count);
    this.skip(count);
    return bits;
  }

  /** A difference of so many bits, ITU-T T.81 F.2.2.1. */
  difference(count: number): number {
    if (count === 0) return 0;
    const bits = this.take(count);
    return bits < 1 << (count - 1) ? bits - (1 << count) + 1 : bits;
  }

  /** Drops what is left of a byte and goes behind a restart marker. */
  restart(): void {
    this.#held = this.#count = this.#invented = 0;
    const marker = this.#bytes[this.#at + 1];
    if (this.#bytes[this.#at] !== 0xff || marker === undefined || marker < 0xd0 || marker > 0xd7) {
      throw damaged("its JPEG data has no restart marker where one should be");
    }
    this.#at += 2;
  }

  /** Where the marker behind the data is. */
  end(): number {
    return this.#at;
  }

  #fill(): void {
    while (this.#count <= 16) {
      let byte = this.#bytes[this.#at];
      if (byte === undefined || (byte === 0xff && this.#bytes[this.#at + 1] !== 0)) {
        byte = 0;
        this.#invented += 8;
      } else {
        this.#at += byte === 0xff ? 2 : 1;
      }
      this.#held = ((this.#held << 8) | byte) >>> 0;
      this.#count += 8;
    }
  }
}
