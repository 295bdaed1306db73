import { onAbort } from "./abort.js";
import type { EngineCore } from "./core.js";
import { abortedError, MedInferError } from "./errors.js";

/**
 * The end of a call that makes requests one after another, as texts or rows come from a caller's source: it may come while
 * no request is under way that could tell of it.
 */
export class CallEnd {
  readonly #call: string;
  readonly #outer: AbortSignal | undefined;
  readonly #requests = new AbortController();
  readonly #wait = new AbortController();
  readonly #listeners: (() => void)[];

  /**
   * @param call as messages name it
   * @param outer the caller's signal
   * @throws MedInferError `ABORTED` or `CLOSED` where it has come already
   */
  constructor(core: EngineCore, call: string, outer: AbortSignal | undefined) {
    this.#call = call;
    this.#outer = outer;
    if (core.closed.signal.aborted) throw new MedInferError("CLOSED", "the engine is closed");
    this.throwIfAborted();
    this.#listeners = [
      onAbort(outer, () => {
        this.#requests.abort(outer?.reason);
        this.#wait.abort(outer?.reason);
      }),
      onAbort(core.closed.signal, () => {
        this.#wait.abort(new MedInferError("CLOSED", "the engine was closed"));
      }),
    ];
  }

  /** For the call's requests: aborted when the caller aborts, or the call is over. A closed engine ends them itself. */
  get requests(): AbortSignal {
    return this.#requests.signal;
  }

  /** For the wait for a source: aborted, with the reason, when the caller aborts, or the engine is closed. */
  get wait(): AbortSignal {
    return this.#wait.signal;
  }

  /** @throws MedInferError `ABORTED` where the caller has aborted */
  throwIfAborted(): void {
    if (this.#outer?.aborted === true) throw abortedError(this.#call, this.#outer.reason);
  }

  /** The call is over: requests that are left end. */
  finish(): void {
    for (const remove of this.#listeners) remove();
    this.#requests.abort();
  }
}
