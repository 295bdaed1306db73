/** What a template, a macro or a block has written so far. */
import type { Budget } from "./budget.js";

/** Pieces of text that are put together once, at the end. */
export class Output {
  readonly #pieces: string[] = [];

  /** @param count adds what is written to the budget */
  constructor(
    readonly budget: Budget,
    readonly count: "output" | "allocate",
  ) {}

  write(text: string): void {
    if (text === "") return;
    this.budget[this.count](text.length + 1);
    this.#pieces.push(text);
  }

  toString(): string {
    return this.#pieces.join("");
  }
}
