import { readSync } from "node:fs";
import { MedInferError } from "medinfer";

/** Read from the file at once. */
const CHUNK = 1 << 20;

/**
 * No header of a published model comes near this (the largest vocabularies take 20 MB); a damaged length must not make us
 * take memory for gigabytes of weights.
 */
const MOST_HEADER_BYTES = 1 << 26;

/**
 * Reads little-endian values from the beginning of a file on, in chunks, and never more than is asked for and a chunk.
 * Every length is checked against what is left of the file before memory is taken for it.
 */
export class ByteReader {
  #chunk = Buffer.alloc(0);
  /** Where the chunk begins in the file. */
  #begin = 0;
  #at = 0;

  /**
   * @param file an open file, which stays the caller's
   * @param size its length in bytes
   */
  constructor(
    private readonly file: number,
    readonly size: number,
  ) {}

  /** Bytes read so far. */
  get position(): number {
    return this.#begin + this.#at;
  }

  /**
   * Whether `count` things of at least `bytes` each may follow.
   *
   * @throws MedInferError `BAD_GGUF` where the file, or what a header may have, is too short for them
   */
  checkRoom(count: number | bigint, bytes: number, what: string): number {
    const end = Math.min(this.size, MOST_HEADER_BYTES);
    // As a double a count above 2^53 is still far too large.
    if (Number(count) * bytes > end - this.position) {
      const limit = end < this.size ? `a header has at most ${MOST_HEADER_BYTES} bytes` : `the file ends after ${end}`;
      throw damaged(this.position, `${what} does not fit: ${limit}`);
    }
    return Number(count);
  }

  /** The next bytes; valid until the next call. */
  take(length: number, what: string): Buffer {
    this.checkRoom(length, 1, what);
    if (this.#chunk.length - this.#at < length) this.#refill(length);
    return this.#chunk.subarray(this.#at, (this.#at += length));
  }

  uint8 = (what: string) => this.take(1, what).readUInt8();
  int8 = (what: string) => this.take(1, what).readInt8();
  uint16 = (what: string) => this.take(2, what).readUInt16LE();
  int16 = (what: string) => this.take(2, what).readInt16LE();
  uint32 = (what: string) => this.take(4, what).readUInt32LE();
  int32 = (what: string) => this.take(4, what).readInt32LE();
  float32 = (what: string) => this.take(4, what).readFloatLE();
  float64 = (what: string) => this.take(8, what).readDoubleLE();
  uint64 = (what: string) => exact(this.take(8, what).readBigUInt64LE());
  int64 = (what: string) => exact(this.take(8, what).readBigInt64LE());

  /** A length of 64 bits and so many bytes of UTF-8. What is no UTF-8 becomes U+FFFD. */
  string(what: string): string {
    const length = this.checkRoom(this.uint64(`the length of ${what}`), 1, what);
    return this.take(length, what).toString("utf8");
  }

  #refill(length: number): void {
    const rest = this.#chunk.subarray(this.#at);
    const begin = this.position + rest.length;
    const wanted = Math.min(Math.max(length - rest.length, CHUNK), this.size - begin);
    const chunk = Buffer.allocUnsafe(rest.length + wanted);
    rest.copy(chunk);
    this.#begin = this.position;
    this.#at = 0;
    let filled = rest.length;
    while (filled < chunk.length) {
      const read = readSync(this.file, chunk, filled, chunk.length - filled, begin + filled - rest.length);
      if (read === 0) throw damaged(begin + filled - rest.length, "the file became shorter while it was read");
      filled += read;
    }
    this.#chunk = chunk;
  }
}

/** As a number where that is exact. */
function exact(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** @param position where in the file */
export function damaged(position: number, what: string): MedInferError {
  return new MedInferError("BAD_GGUF", `at byte ${position}: ${what}: the file is damaged, fetch it again`);
}
