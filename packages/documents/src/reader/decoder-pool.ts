import { MedInferError } from "medinfer";
import { aborted } from "../errors.js";
import { DecoderProcess } from "./decoder-process.js";

/** After so many documents a process is replaced, and where it has more memory: WebAssembly gives none back. */
const MOST_DOCUMENTS = 200;
const MOST_MEMORY = 1024 * 1024 * 1024;

interface Waiting {
  readonly owner: object;
  take(decoder: DecoderProcess): void;
  refuse(error: MedInferError): void;
}

/** The decoders of a reader, started when they are needed. */
export class DecoderPool {
  readonly #size: number;
  readonly #idle: DecoderProcess[] = [];
  readonly #waiting: Waiting[] = [];
  #lent = 0;
  #closed = false;
  /** Called when the last decoder is given back to a closed pool. */
  #onReturned = () => {};

  /** @param size most processes at once */
  constructor(size: number) {
    this.#size = size;
  }

  /**
   * Lends a decoder for one call: the one that has the owner's document open, where it is free. First come, first served.
   *
   * @throws MedInferError (rejects) `CLOSED`, or `ABORTED` while it waits
   */
  async use<T>(
    owner: object,
    signal: AbortSignal | undefined,
    call: (decoder: DecoderProcess) => Promise<T>,
  ): Promise<T> {
    const decoder = await this.#take(owner, signal);
    try {
      return await call(decoder);
    } finally {
      this.#giveBack(decoder);
    }
  }

  /** The decoder that has the owner's document open, where it is free. */
  holding(owner: object): DecoderProcess | undefined {
    return this.#idle.find((decoder) => decoder.owner === owner);
  }

  /** Ends all decoders that are free, and each other when it is given back; resolves when all are. Who waits for one is refused. */
  close(): Promise<void> {
    this.#closed = true;
    for (const decoder of this.#idle.splice(0)) decoder.end();
    for (const waiting of this.#waiting.splice(0)) waiting.refuse(closed());
    return new Promise((resolve) => {
      if (this.#lent === 0) return resolve();
      const before = this.#onReturned;
      this.#onReturned = () => {
        before();
        resolve();
      };
    });
  }

  #take(owner: object, signal: AbortSignal | undefined): Promise<DecoderProcess> {
    if (this.#closed) return Promise.reject(closed());
    if (signal?.aborted === true) return Promise.reject(aborted(signal));
    if (this.#lent < this.#size) {
      this.#lent += 1;
      return Promise.resolve(this.#idleFor(owner));
    }
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        reject(aborted(signal));
      };
      const waiting: Waiting = {
        owner,
        take: (decoder) => {
          signal?.removeEventListener("abort", onAbort);
          resolve(decoder);
        },
        refuse: (error) => {
          signal?.removeEventListener("abort", onAbort);
          reject(error);
        },
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#waiting.push(waiting);
    });
  }

  #idleFor(owner: object): DecoderProcess {
    const mine = this.#idle.findIndex((decoder) => decoder.owner === owner);
    const free = mine >= 0 ? mine : this.#idle.findIndex((decoder) => decoder.owner === undefined);
    const [decoder] = this.#idle.splice(free >= 0 ? free : 0, 1);
    if (decoder?.isAlive !== true) return new DecoderProcess();
    // Its document was not closed. Where it is asked for again, another decoder opens it again.
    if (decoder.owner !== owner && isWorn(decoder)) {
      decoder.end();
      return new DecoderProcess();
    }
    return decoder;
  }

  #giveBack(decoder: DecoderProcess): void {
    if (this.#closed || (decoder.owner === undefined && isWorn(decoder))) decoder.end();
    if (decoder.isAlive) this.#idle.push(decoder);
    const next = this.#waiting.shift();
    if (next !== undefined) return next.take(this.#idleFor(next.owner));
    this.#lent -= 1;
    if (this.#lent === 0) this.#onReturned();
  }
}

const isWorn = ({ opened, memory }: DecoderProcess) => opened >= MOST_DOCUMENTS || memory > MOST_MEMORY;

const closed = () => new MedInferError("CLOSED", "documents: the reader is closed");
