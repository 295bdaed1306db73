import type { Program } from "./program.js";
import { StopMachine, type StopMatch } from "./stop-machine.js";

/**
 * Finds the first stop in a stream of text and decides what may be shown already.
 *
 * Invariants:
 *   - what push and flush return, joined, is a prefix of all text pushed, and holds no stop;
 *   - nothing is returned that could still turn out to be the beginning of a stop;
 *   - of several stops the one that begins first wins; of those that begin together, the shortest text that matches. So
 *     the outcome does not depend on how the text was cut into pieces;
 *   - what is returned ends where a character does, except at flush.
 */
export class StopScanner {
  readonly #machines: { machine: StopMachine; codePoints: boolean }[];
  /** Looked at and not returned yet. */
  #held = "";
  /** Where `#held` begins and ends in the whole text. */
  #from = 0;
  #position = 0;
  /** The first half of a character whose second half is in the next piece. */
  #half = "";
  #stop: string | undefined;

  constructor(programs: readonly Program[]) {
    this.#machines = programs.map((program) => ({
      machine: new StopMachine(program),
      codePoints: program.codePoints,
    }));
  }

  /** The text of the stop that was found. */
  get stop(): string | undefined {
    return this.#stop;
  }

  /** Takes more text and returns what may be shown now. Nothing comes after a stop. */
  push(text: string): string {
    if (this.#stop !== undefined) return "";
    const pushed = this.#half + text;
    const whole = isHigh(pushed, pushed.length - 1) ? pushed.length - 1 : pushed.length;
    this.#half = pushed.slice(whole);
    return this.#scan(pushed.slice(0, whole), false);
  }

  /** The text has ended: returns what was held back, where it is no stop. */
  flush(): string {
    if (this.#stop !== undefined) return "";
    const half = this.#half;
    this.#half = "";
    return this.#scan(half, true);
  }

  #scan(text: string, atEnd: boolean): string {
    this.#held += text;
    for (const character of text) {
      this.#step(character);
      const match = this.#firstMatch();
      if (match !== undefined && this.#pending() >= match.start) return this.#stopAt(match);
    }
    if (atEnd) {
      for (const { machine } of this.#machines) machine.end();
      const match = this.#firstMatch();
      if (match !== undefined) return this.#stopAt(match);
    }
    return this.#show(Math.min(this.#pending(), this.#position));
  }

  #step(character: string): void {
    for (const { machine, codePoints } of this.#machines) {
      if (codePoints) machine.step(character.codePointAt(0)!);
      else for (let i = 0; i < character.length; i++) machine.step(character.charCodeAt(i));
    }
    this.#position += character.length;
  }

  #firstMatch(): StopMatch | undefined {
    let first: StopMatch | undefined;
    for (const { machine } of this.#machines) {
      const { match } = machine;
      if (match === undefined) continue;
      const earlier = first === undefined || match.start < first.start;
      if (earlier || (match.start === first?.start && match.end < first.end)) first = match;
    }
    if (first !== undefined) for (const { machine } of this.#machines) machine.limit(first.start);
    return first;
  }

  /** Where the earliest match begins that may still come. */
  #pending(): number {
    return this.#machines.reduce((earliest, { machine }) => Math.min(earliest, machine.pending), Infinity);
  }

  #show(end: number): string {
    const length = this.#characterStart(end - this.#from);
    const shown = this.#held.slice(0, length);
    this.#held = this.#held.slice(length);
    this.#from += length;
    return shown;
  }

  #stopAt({ start, end }: StopMatch): string {
    const from = this.#characterStart(start - this.#from);
    const to = end - this.#from;
    // A pattern without the flag u can match half a character; nobody wants to see the other half.
    this.#stop = this.#held.slice(from, this.#characterStart(to) === to ? to : to + 1);
    const shown = this.#held.slice(0, from);
    this.#held = "";
    return shown;
  }

  /** `at`, or one before where `at` is in the middle of a character of `#held`. */
  #characterStart(at: number): number {
    return isHigh(this.#held, at - 1) && isLow(this.#held, at) ? at - 1 : at;
  }
}

function isHigh(text: string, at: number): boolean {
  const unit = text.charCodeAt(at); // NaN outside
  return unit >= 0xd800 && unit <= 0xdbff;
}

function isLow(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit <= 0xdfff;
}
