/** The values of a template's names while it runs. */
import type { Slot } from "./nodes.js";
import type { Value } from "./values.js";

/**
 * The names of one call: of the template, a macro or a recursive loop. Frames inside of it differ in level; those further
 * out belong to the call in which it was defined.
 */
export class Variables {
  readonly #values: Map<string, Value | undefined>[] = [];

  /**
   * @param level of the outermost frame
   * @param outer where it was defined
   */
  constructor(
    readonly level: number,
    readonly outer: Variables | undefined,
  ) {}

  /** Undefined: it has no value now. */
  get(slot: Slot): Value | undefined {
    return this.#owner(slot).#values[slot.level]?.get(slot.name);
  }

  set(slot: Slot, value: Value | undefined): void {
    const owner = this.#owner(slot);
    (owner.#values[slot.level] ??= new Map()).set(slot.name, value);
  }

  #owner(slot: Slot): Variables {
    return slot.level >= this.level || this.outer === undefined ? this : this.outer.#owner(slot);
  }
}
