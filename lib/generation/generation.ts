import { MedInferError } from "../errors.js";
import type { RequestState } from "./request-state.js";
import type { Generation, GenerationEvent, GenerationResult } from "./types.js";

/** A request as its caller sees it. */
export class RequestGeneration implements Generation {
  readonly #state: RequestState;

  constructor(state: RequestState) {
    this.#state = state;
  }

  get result(): Promise<GenerationResult> {
    return this.#state.result;
  }

  finish(): void {
    this.#state.finish();
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<GenerationEvent, undefined> {
    const state = this.#state;
    if (!state.startReading()) {
      throw new MedInferError(
        "INVALID_ARGUMENT",
        "the events of a generation can be read once: await its result for the whole text",
      );
    }
    return {
      next: () => state.next(),
      return: () => {
        state.stopReading();
        return Promise.resolve({ done: true, value: undefined });
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }
}
