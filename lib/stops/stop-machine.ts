import type { Program } from "./program.js";

/** Where a stop stands, in UTF-16 units since the beginning of the text. */
export interface StopMatch {
  start: number;
  end: number;
}

/** What comes next, while nobody knows. */
const UNKNOWN = -1;

/**
 * Runs one program over a stream, character by character, from every place at once.
 *
 * A thread is an instruction together with the place where its match would begin. All threads advance together, so each
 * character is looked at once, whatever the pattern: nothing is searched anew, and no pattern takes exponential time.
 *
 * Invariants:
 *   - threads wait at characters, or at assertions that need to see what comes next; each instruction holds one thread at
 *     most, the one that began first;
 *   - threads are in the order in which they began, and all began before the match that is known, and before the limit;
 *   - of the matches up to here, `match` is the one that begins first; of those, the shortest.
 */
export class StopMachine {
  readonly #program: Program;
  readonly #looksAhead: boolean;
  #match: StopMatch | undefined;
  #at: number[] = [];
  #starts: number[] = [];
  #position = 0;
  #previous: number | undefined;
  #limit = Infinity;
  /** The latest round in which an instruction was reached. */
  readonly #reached: Uint32Array;
  #round = 0;

  constructor(program: Program) {
    this.#program = program;
    this.#looksAhead = program.instructions.some((it) => it.op === "assert" && it.assertion.looksAhead);
    this.#reached = new Uint32Array(program.instructions.length);
    this.#round++;
    this.#begin();
  }

  get match(): StopMatch | undefined {
    return this.#match;
  }

  /** Where the earliest match begins that may still come; Infinity where none may. */
  get pending(): number {
    return this.#starts[0] ?? Infinity;
  }

  /** Matches that begin at `start` or later do not count. */
  limit(start: number): void {
    this.#limit = Math.min(this.#limit, start);
    while (this.#starts.length > 0 && this.#starts.at(-1)! >= this.#limit) {
      this.#starts.pop();
      this.#at.pop();
    }
  }

  /** The next character: a code point or a UTF-16 unit, as the program reads them. */
  step(code: number): void {
    this.#settle(code);
    const [at, starts] = this.#takeThreads();
    this.#position += code > 0xffff ? 2 : 1;
    this.#previous = code;
    this.#round++;
    for (let i = 0; i < at.length; i++) {
      const instruction = this.#program.instructions[at[i]!]!;
      if (instruction.op === "char" && instruction.test(code)) this.#follow(at[i]! + 1, starts[i]!, UNKNOWN);
    }
    this.#begin();
  }

  /** The text has ended: what only could have become a match will not. */
  end(): void {
    this.#settle(undefined);
    this.#takeThreads();
  }

  /** Decides the assertions that had to wait for `next`. */
  #settle(next: number | undefined): void {
    if (!this.#looksAhead) return;
    const [at, starts] = this.#takeThreads();
    this.#round++;
    for (let i = 0; i < at.length; i++) this.#follow(at[i]!, starts[i]!, next);
  }

  #begin(): void {
    if (this.#position < this.#limit) this.#follow(0, this.#position, UNKNOWN);
  }

  /** Brings a thread to all places where it waits for a character. */
  #follow(from: number, start: number, next: number | undefined): void {
    if (start >= this.#limit) return;
    const open = [from];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (this.#reached[at] === this.#round) continue;
      this.#reached[at] = this.#round;
      const instruction = this.#program.instructions[at]!;
      switch (instruction.op) {
        case "match":
          // Threads come in the order of their beginnings, so no later one of this round begins earlier.
          this.#match = { start, end: this.#position };
          this.limit(start);
          return;
        case "split":
          open.push(...instruction.to);
          break;
        case "assert":
          if (instruction.assertion.looksAhead && next === UNKNOWN) this.#wait(at, start);
          else if (instruction.assertion.holds(this.#previous, next)) open.push(at + 1);
          break;
        case "char":
          this.#wait(at, start);
          break;
      }
    }
  }

  #wait(at: number, start: number): void {
    this.#at.push(at);
    this.#starts.push(start);
  }

  #takeThreads(): [at: number[], starts: number[]] {
    const threads: [number[], number[]] = [this.#at, this.#starts];
    this.#at = [];
    this.#starts = [];
    return threads;
  }
}
