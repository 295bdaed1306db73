import { open, type FileHandle } from "node:fs/promises";
import { createInterface } from "node:readline";
import { OWNER_FILE } from "../files/atomic.js";

/** A file of lines that is written at its end, by several at once; a process that ends at any moment leaves whole lines. */
export class LineFile {
  readonly #handle: FileHandle;
  #length: number;
  #last: Promise<void> = Promise.resolve();

  private constructor(handle: FileHandle, length: number) {
    this.#handle = handle;
    this.#length = length;
  }

  /** Opens or makes it. Half a line at its end, of a process that was killed, is cut off. */
  static async open(file: string): Promise<LineFile> {
    const handle = await open(file, "a+", OWNER_FILE);
    try {
      const length = await lengthOfLines(handle);
      await handle.truncate(length);
      return new LineFile(handle, length);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  /** The lines that were there when it was opened. */
  async *lines(): AsyncGenerator<string, void> {
    const input = this.#handle.createReadStream({ start: 0, autoClose: false, encoding: "utf8" });
    yield* createInterface({ input, crlfDelay: Infinity });
  }

  append(line: string): Promise<void> {
    const bytes = Buffer.from(`${line}\n`);
    const written = this.#last.then(async () => {
      await this.#handle.appendFile(bytes);
      this.#length += bytes.length;
    });
    this.#last = written.catch(() => {});
    return written;
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#handle.close();
  }
}

const BLOCK = 64 * 1024;

async function lengthOfLines(handle: FileHandle): Promise<number> {
  let { size: end } = await handle.stat();
  const block = Buffer.alloc(BLOCK);
  while (end > 0) {
    const begin = Math.max(0, end - BLOCK);
    const { bytesRead } = await handle.read(block, 0, end - begin, begin);
    const at = block.subarray(0, bytesRead).lastIndexOf(0x0a);
    if (at >= 0) return begin + at + 1;
    end = begin;
  }
  return 0;
}
