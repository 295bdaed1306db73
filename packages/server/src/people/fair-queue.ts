interface Waiter {
  readonly grant: () => void;
}

interface Flow {
  readonly waiting: Set<Waiter>;
  /** The virtual time at which its next turn begins. */
  turn: number;
}

/**
 * So many places, given to tenants in turn by their share: start-time fair queueing. Each grant moves a tenant's turn on by
 * one over its share, and the earliest turn is next. Who comes anew begins at the present turn, so that nobody saves turns up
 * by asking for nothing.
 *
 * Of two tenants of one share that both wait all the while, neither gets more than one place more than the other.
 */
export class FairQueue {
  readonly #places: number;
  readonly #shareOf: (tenant: string) => number;
  readonly #flows = new Map<string, Flow>();
  #taken = 0;
  /** Where the turn of the latest grant began. */
  #now = 0;

  constructor(places: number, shareOf: (tenant: string) => number) {
    this.#places = places;
    this.#shareOf = shareOf;
  }

  /** Places taken. */
  get taken(): number {
    return this.#taken;
  }

  /** How many of a tenant wait. */
  waiting(tenant: string): number {
    return this.#flows.get(tenant)?.waiting.size ?? 0;
  }

  /**
   * Waits for a place. `grant` is called once: before this returns where a place is free, otherwise when it is this one's turn.
   *
   * @returns what ends the waiting; it does nothing once the place was granted
   */
  enter(tenant: string, grant: () => void): () => void {
    const flow = this.#flows.get(tenant) ?? { waiting: new Set(), turn: 0 };
    this.#flows.set(tenant, flow);
    if (flow.waiting.size === 0) flow.turn = Math.max(flow.turn, this.#now);
    const waiter = { grant };
    flow.waiting.add(waiter);
    this.#fill();
    return () => void flow.waiting.delete(waiter);
  }

  /** Gives a granted place back. */
  leave(): void {
    this.#taken -= 1;
    this.#fill();
  }

  #fill(): void {
    while (this.#taken < this.#places) {
      const next = this.#next();
      if (next === undefined) return;
      const [tenant, flow] = next;
      const [waiter] = flow.waiting as Iterable<Waiter> as [Waiter];
      flow.waiting.delete(waiter);
      this.#now = flow.turn;
      flow.turn += 1 / this.#shareOf(tenant);
      this.#taken += 1;
      waiter.grant();
    }
  }

  #next(): [string, Flow] | undefined {
    let next: [string, Flow] | undefined;
    for (const each of this.#flows) {
      const [tenant, { waiting, turn }] = each;
      if (waiting.size > 0 && (next === undefined || turn < next[1].turn)) next = each;
      // There is nothing to remember of it.
      if (waiting.size === 0 && turn <= this.#now) this.#flows.delete(tenant);
    }
    return next;
  }
}
