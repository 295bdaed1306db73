import { setTimeout as sleep } from "node:timers/promises";
import { reconnecting } from "../database/reconnect.js";
import { settle, type Settled } from "../manifest/settle.js";
import type { Queue } from "../queue/queue.js";

/** Most rows of a transaction. */
const MOST = 64;
/** Milliseconds that an outcome waits for others, which share its transaction: nobody waits for it. */
const GATHER_MS = 15;

interface Waiting extends Settled {
  resolve: (stored: boolean) => void;
  reject: (error: unknown) => void;
}

/** Writes outcomes down, those that come within some milliseconds, or while a transaction is under way, together in the next one. */
export class Settler {
  readonly #queue: Queue;
  readonly #enough: number;
  readonly #onLost: () => void;
  #waiting: Waiting[] = [];
  #writing = false;
  readonly #end = new AbortController();

  /**
   * @param enough outcomes that wait for no others
   * @param onLost is told when the connection fails
   */
  constructor(queue: Queue, enough: number, onLost: () => void) {
    this.#queue = queue;
    this.#enough = enough;
    this.#onLost = onLost;
  }

  /** Resolves when it is on the database's disk: true; or was dropped, because the row is somebody else's: false. */
  add(settled: Settled): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ...settled, resolve, reject });
      void this.#write();
    });
  }

  /** Waits no more for a database that is away: what is not written is taken over by others, when its lease is over. */
  giveUp(): void {
    this.#end.abort();
  }

  async #write(): Promise<void> {
    if (this.#writing) return;
    this.#writing = true;
    while (this.#waiting.length > 0) {
      if (this.#waiting.length < this.#enough) await sleep(GATHER_MS);
      const batch = this.#waiting.splice(0, MOST);
      try {
        const options = { onLost: this.#onLost, signal: this.#end.signal };
        const stored = await reconnecting(() => settle(this.#queue, batch), options);
        for (const each of batch) each.resolve(stored.has(each.row));
      } catch (error) {
        for (const each of batch) each.reject(error);
      }
    }
    this.#writing = false;
  }
}
