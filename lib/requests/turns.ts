import type { ResolvedMessage } from "../chat/types.js";

/** Who says how to answer: that holds for all turns, whenever it was said. */
const instructing = ["system", "developer"];

/**
 * A conversation by turns. A turn begins where the user speaks after somebody else has, and holds all that follows: images,
 * answers, calls of tools and their results. What precedes the user's first words is a turn of its own. System messages
 * belong to none.
 */
export class Turns {
  readonly #messages: readonly ResolvedMessage[];
  /** By message; undefined: it belongs to none. */
  readonly #turnOf: readonly (number | undefined)[];
  /** How many turns there are. */
  readonly count: number;

  /** @param userRoles the roles that ask */
  constructor(messages: readonly ResolvedMessage[], userRoles: readonly string[]) {
    let turn = -1;
    let asking = false;
    this.#messages = messages;
    this.#turnOf = messages.map(({ role }) => {
      if (instructing.includes(role)) return undefined;
      const asks = userRoles.includes(role);
      if (turn < 0 || (asks && !asking)) turn++;
      asking = asks;
      return turn;
    });
    this.count = turn + 1;
  }

  /** The conversation without its first `dropped` turns. */
  without(dropped: number): readonly ResolvedMessage[] {
    return this.#messages.filter((_, i) => (this.#turnOf[i] ?? dropped) >= dropped);
  }
}
