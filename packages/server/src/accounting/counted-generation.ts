import { setMaxListeners } from "node:events";
import { MedInferError, type Generation, type GenerationEvent, type GenerationResult } from "medinfer";
import { GenerationTally, holdsTokens, type Spent } from "./tally.js";
import type { Watch } from "./watch.js";

/** Whom a generation tells, and who ends it. */
export interface Counting {
  /** Not aborted yet, and not known to the generation. */
  signal: AbortSignal;
  watch: Watch;
  onSpent: (spent: Spent) => void;
}

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
  readonly #watch: Watch;
  readonly #onSpent: (spent: Spent) => void;
  readonly #tally = new GenerationTally();
  #events: Events | undefined;
  /** Of events that nobody but this has read. */
  #drained: Promise<void> | undefined;
  #result: Promise<GenerationResult> | undefined;
  #over = false;

  constructor(inner: Generation, { signal, watch, onSpent }: Counting) {
    this.#inner = inner;
    this.#signal = signal;
    this.#watch = watch;
    this.#onSpent = onSpent;
    setMaxListeners(0, signal); // one for each prompt of a request
    signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  // Asked for only where its reader asks: a generation whose result is wanted is not paused for a slow reader of its events.
  get result(): Promise<GenerationResult> {
    this.#result ??= this.#inner.result.then(
      (result) => (this.#drained ?? Promise.resolve()).then(() => this.#ended(result)),
      this.#lost,
    );
    return this.#result;
  }

  finish(): void {
    this.#inner.finish();
  }

  [Symbol.asyncIterator](): Events {
    this.#events = this.#inner[Symbol.asyncIterator]();
    const events = this.#events;
    return {
      next: this.#next,
      return: () => {
        this.#end(this.#tally.least);
        return events.return?.() ?? Promise.resolve({ done: true, value: undefined });
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  // Once for each token: no closures of its own.
  readonly #next = (): Promise<Next> => this.#events!.next().then(this.#seen, this.#lost);

  readonly #seen = (next: Next): Next | Promise<Next> => {
    if (next.done === true) return next;
    const event = next.value;
    this.#tally.see(event);
    if (event.type === "done") this.#ended(event);
    // Nobody reads what comes until its end.
    if (this.#signal.aborted && !this.#over) return this.#next();
    if (holdsTokens(event)) this.#watch.onTokens(event.index ?? 0);
    return next;
  };

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

  readonly #lost = (error: unknown): never => {
    this.#end(this.#tally.least);
    throw error;
  };

  #end(spent: Spent): void {
    if (this.#over) return;
    this.#over = true;
    this.#signal.removeEventListener("abort", this.#onAbort);
    this.#onSpent(spent);
  }
}
