import type { Call } from "../http/route.js";
import type { ServedModel } from "../models/served-model.js";

/** A request that was let in: it counts as one of its tenant's until it leaves. */
export interface Visit {
  /**
   * Waits for a place at a model. To be called once. REQUIRES: the model is loaded
   *
   * @throws Problem (rejects) 429
   */
  place(model: ServedModel): Promise<void>;
  /** Counts tokens that it took against its tenant's limit. */
  spent(tokens: number): void;
  /** Gives back what it holds. To be called once. */
  leave(): void;
}

/** Who may go on to the engine, and when. */
export interface Admission {
  /**
   * Decides at once what can be decided at once, before the request waits for anything: its answer then still has a status.
   *
   * @throws Problem 429
   */
  arrive(call: Call): Visit;
}

/** Everybody, at once: the engine's own queue holds who waits. */
export const openAdmission: Admission = {
  arrive: () => ({ place: () => Promise.resolve(), spent: () => {}, leave: () => {} }),
};
