import type { Call } from "../http/route.js";
import type { ServedModel } from "../models/served-model.js";

/** A request's place at its model. */
export interface Ticket {
  /** Counts tokens that it took against its tenant's limit. */
  spent(tokens: number): void;
  leave(): void;
}

/** Who may go on to the engine, and when. */
export interface Admission {
  /** @throws Problem (rejects) 429 */
  enter(model: ServedModel, call: Call): Promise<Ticket>;
}

/** Everybody, at once: the engine's own queue holds who waits. */
export const openAdmission: Admission = {
  enter: () => Promise.resolve({ spent: () => {}, leave: () => {} }),
};
