/** Runs a job per item, several at once, and gives out the results in the order of the items. */
import { onAbort } from "../abort.js";

export interface PoolLimits {
  /** Most jobs that run at once. */
  concurrency: number;
  /** Most jobs that were started and whose result was not taken: a slow first one must not stop the others. */
  window: number;
  /** Ends the wait for a source that is busy making the next item, where all results before it are taken: its reason is thrown. */
  end?: AbortSignal;
}

type Source<T> = AsyncIterable<T> | Iterable<T>;

/**
 * Items are taken from the source only when there is room for them. An error of the source is thrown after the results
 * of the items before it; an error of a job, in its place. Whatever ends the iteration, the source is closed; jobs that
 * run are the caller's to end.
 */
export async function* orderedPool<T, R>(
  source: Source<T>,
  job: (item: T, index: number) => Promise<R>,
  limits: PoolLimits,
): AsyncGenerator<R, void, undefined> {
  const pool = new Pool(source, job, limits);
  const removeListener = onAbort(limits.end, () => pool.wake());
  try {
    for (;;) {
      const next = await pool.next();
      if (next === undefined) return;
      yield next.value;
    }
  } catch (error) {
    // That is what ended it, whatever the source says to being closed.
    await pool.stop().catch(() => {});
    throw error;
  } finally {
    removeListener();
    await pool.stop();
  }
}

/** The jobs that were started and whose results were not taken, first the oldest. */
class Pool<T, R> {
  readonly #iterator: AsyncIterator<T> | Iterator<T>;
  readonly #started: Promise<R>[] = [];
  readonly #changed = new Signal();
  #running = 0;
  #pulling = false;
  #stopped = false;
  /** The source is exhausted, or has thrown. */
  #end: { error?: { reason: unknown } } | undefined;

  constructor(
    source: Source<T>,
    readonly job: (item: T, index: number) => Promise<R>,
    readonly limits: PoolLimits,
  ) {
    this.#iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
    this.#fill().then(
      () => this.#finish({}),
      (reason: unknown) => this.#finish({ error: { reason } }),
    );
  }

  /** Takes the oldest job's result; undefined where there is none left. */
  async next(): Promise<{ value: R } | undefined> {
    while (this.#started.length === 0 && this.#end === undefined) {
      this.limits.end?.throwIfAborted();
      await this.#changed.wait();
    }
    const [oldest] = this.#started;
    if (oldest === undefined) {
      if (this.#end?.error !== undefined) throw this.#end.error.reason;
      return undefined;
    }
    const value = await oldest;
    void this.#started.shift();
    this.#changed.notify();
    return { value };
  }

  /** Looks anew whether there is something to wait for. */
  wake(): void {
    this.#changed.notify();
  }

  /** Starts no more jobs, and closes the source; rejects with what that throws. A second call does nothing. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#changed.notify();
    if (this.#end !== undefined) return;
    const closed = this.#close();
    // A source that is busy making the next item would answer only after that: it is asked to end, and not waited for.
    if (this.#pulling) closed.catch(() => {});
    else await closed;
  }

  async #close(): Promise<void> {
    await this.#iterator.return?.();
  }

  async #fill(): Promise<void> {
    for (let index = 0; ; index++) {
      while (this.#full && !this.#stopped) await this.#changed.wait();
      if (this.#stopped) return;
      this.#pulling = true;
      const next = await this.#iterator.next();
      this.#pulling = false;
      if (next.done === true || this.#stopped) return;
      this.#start(next.value, index);
    }
  }

  get #full(): boolean {
    return this.#running >= this.limits.concurrency || this.#started.length >= this.limits.window;
  }

  #start(item: T, index: number): void {
    this.#running++;
    const result = this.job(item, index).finally(() => {
      this.#running--;
      this.#changed.notify();
    });
    result.catch(() => {}); // it is looked at when its turn comes
    this.#started.push(result);
    this.#changed.notify();
  }

  #finish(end: { error?: { reason: unknown } }): void {
    this.#end = end;
    this.#changed.notify();
  }
}

/** Wakes those who wait. */
class Signal {
  #waiting: (() => void)[] = [];

  wait(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  notify(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
