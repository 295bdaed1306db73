import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { MedInferError } from "medinfer";
import { parseKeys, readKeys, unreadable } from "./key-file.js";
import { KeyRing } from "./key-ring.js";

/** How soon a change of the file is seen. Looked at, not watched: that works on every file system, and across renames. */
const LOOK_MS = 1000;
/** Fewer bytes could be guessed. */
const SECRET_BYTES = 32;

/** The keys that hold now: those of a file, read again when it changes. */
export class KeyStore {
  readonly #file: string;
  readonly #secret: Buffer;
  readonly #warn: (text: string) => void;
  readonly #timer: NodeJS.Timeout;
  #ring: KeyRing;
  /** Of the file as it was when it was read. */
  #seen: string | undefined;
  #looking = false;

  /**
   * @param warn is told why a changed file is not taken
   * @throws MedInferError `INVALID_ARGUMENT` where the file cannot be read, or is wrong
   */
  constructor(file: string, warn: (text: string) => void) {
    this.#file = file;
    this.#warn = warn;
    this.#secret = secretOf(file);
    this.#ring = new KeyRing(readKeys(file), this.#secret);
    this.#timer = setInterval(() => void this.#look(), LOOK_MS).unref();
  }

  get ring(): KeyRing {
    return this.#ring;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      // Before it is read: a change while it is read is seen the next time.
      const now = await stateOf(this.#file);
      if (now === this.#seen) return;
      this.#seen = now;
      await this.#read();
    } finally {
      this.#looking = false;
    }
  }

  async #read(): Promise<void> {
    try {
      const text = await readFile(this.#file, "utf8").catch((error: unknown) => {
        throw unreadable(this.#file, error);
      });
      this.#ring = new KeyRing(parseKeys(text, this.#file), this.#secret);
    } catch (error) {
      const why = error instanceof MedInferError ? error.message : "it cannot be used";
      this.#warn(`${why}: the keys that were read before stay in force`);
    }
  }
}

/** Differs where the file does. */
async function stateOf(file: string): Promise<string> {
  try {
    const { ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true });
    return [ino, size, mtimeNs, ctimeNs].join(" ");
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? "unknown";
  }
}

/** Of the file beside the keys whose name ends in `.secret`; without one, this process's own. */
function secretOf(file: string): Buffer {
  let secret: Buffer;
  try {
    secret = readFileSync(`${file}.secret`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return randomBytes(SECRET_BYTES);
    throw unreadable(`${file}.secret`, error);
  }
  if (secret.length >= SECRET_BYTES) return secret;
  throw new MedInferError(
    "INVALID_ARGUMENT",
    `the secret beside the keys file must have at least ${SECRET_BYTES} bytes`,
  );
}
