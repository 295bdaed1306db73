import { setMaxListeners } from "node:events";
import { MedInferError, type Generation, type GenerationEvent, type GenerationResult } from "medinfer";
import { GenerationTally, type Spent } from "./tally.js";

type Events = AsyncIterableIterator<GenerationEvent, undefined>;
type Next = IteratorResult<GenerationEvent, undefined>;

/**
 * A generation that counts what it takes. When its signal is aborted the engine finishes it, so that its usage comes, and its
 * reader gets `ABORTED`.
 *
 * Invariant: the usage is told once, when the generation has ended and before its reader knows.
 */
export class CountedGeneration implements Generation {
  readonly #inner: Generation;
  readonly #signal: AbortSignal;
  readonly #onSpent: (spent: Spent) => void;
  readonly #tally = new GenerationTally();
  #events: Events | undefined;
  /** Of events that nobody but this has read. */
  #drained: Promise<void> | undefined;
  #result: Promise<GenerationResult> | undefined;
  #over = false;

  /** @param signal not aborted yet, and not known to `inner` */
  constructor(inner: Generation, signal: AbortSignal, onSpent: (spent: Spent) => void) {
    this.#inner = inner;
    this.#signal = signal;
    this.#onSpent = onSpent;
    setMaxListeners(0, signal); // one for each prompt of a request
    signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  // Asked for only where its reader asks: a generation whose result is wanted is not paused for a slow reader of its events.
  get result(): Promise<GenerationResult> {
    this.#result ??= this.#inner.result.then(
      (result) => (this.#drained ?? Promise.resolve()).then(() => this.#ended(result)),
      (error: unknown) => this.#lost(error),
    );
    return this.#result;
  }

  finish(): void {
    this.#inner.finish();
  }

  [Symbol.asyncIterator](): Events {
    const events = (this.#events = this.#inner[Symbol.asyncIterator]());
    return {
      next: () => this.#next(events),
      return: () => {
        this.#end(this.#tally.least);
        return events.return?.() ?? Promise.resolve({ done: true, value: undefined });
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  #next(events: Events): Promise<Next> {
    return events.next().then(
      (next) => this.#seen(next, events),
      (error: unknown) => this.#lost(error),
    );
  }

  #seen(next: Next, events: Events): Next | Promise<Next> {
    if (next.done === true) return next;
    this.#tally.see(next.value);
    if (next.value.type === "done") this.#ended(next.value);
    // Nobody reads what comes until its end.
    return this.#signal.aborted && !this.#over ? this.#next(events) : next;
  }

  readonly #onAbort = () => {
    this.#inner.finish();
    // How far the prompt was read is told by events alone.
    if (this.#events === undefined) this.#drained = this.#drain();
  };

  async #drain(): Promise<void> {
    try {
      for await (const event of this.#inner) this.#tally.see(event);
    } catch {
      // Told to its reader.
    }
  }

  /** @throws MedInferError `ABORTED` */
  #ended(result: GenerationResult): GenerationResult {
    const aborted = this.#signal.aborted && !this.#over;
    this.#end(this.#tally.of(result));
    if (!aborted) return result;
    throw new MedInferError("ABORTED", "the request was aborted", { cause: this.#signal.reason });
  }

  #lost(error: unknown): never {
    this.#end(this.#tally.least);
    throw error;
  }

  #end(spent: Spent): void {
    if (this.#over) return;
    this.#over = true;
    this.#signal.removeEventListener("abort", this.#onAbort);
    this.#onSpent(spent);
  }
}
