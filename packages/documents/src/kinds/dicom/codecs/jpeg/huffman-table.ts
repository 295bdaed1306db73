import { damaged } from "../../../../decoder/fault.js";
import type { BitReader } from "./bit-reader.js";

const FAST_BITS = 9;

/** A Huffman table of JPEG, ITU-T T.81 annex C and F.2.2.3. */
export class HuffmanTable {
  /** By the next FAST_BITS bits: the code's length shifted by 8, and its symbol; 0 for longer codes. */
  readonly #fast = new Uint16Array(1 << FAST_BITS);
  /** By length: the first code that is too great for it, -1 where it has none; and what takes a code to its symbol's index. */
  readonly #beyond = new Int32Array(18).fill(-1);
  readonly #toIndex = new Int32Array(18);
  readonly #symbols: Uint8Array;

  constructor(counts: Uint8Array, symbols: Uint8Array) {
    this.#symbols = symbols.slice();
    let code = 0;
    let index = 0;
    for (let length = 1; length <= 16; length++) {
      const count = counts[length - 1]!;
      this.#toIndex[length] = index - code;
      for (let n = 0; n < count; n++, code++, index++) {
        if (code >= 1 << length) throw damaged("its JPEG stream has a damaged Huffman table");
        if (length > FAST_BITS) continue;
        const first = code << (FAST_BITS - length);
        this.#fast.fill((length << 8) | this.#symbols[index]!, first, first + (1 << (FAST_BITS - length)));
      }
      if (count > 0) this.#beyond[length] = code;
      code <<= 1;
    }
  }

  /** @throws Fault `DOCUMENT_DECODE` where the bits are no code of the table */
  decode(bits: BitReader): number {
    const fast = this.#fast[bits.peek(FAST_BITS)]!;
    if (fast !== 0) {
      bits.skip(fast >> 8);
      return fast & 0xff;
    }
    const next = bits.peek(16);
    for (let length = FAST_BITS + 1; length <= 16; length++) {
      const code = next >> (16 - length);
      if (code >= this.#beyond[length]!) continue;
      bits.skip(length);
      return this.#symbols[code + this.#toIndex[length]!]!;
    }
    throw damaged("its JPEG data is damaged");
  }
}
