/** What one rendering may use. A template is data from a model file: it must not be able to hold the event loop for long. */
import { TemplateLimitError } from "./errors.js";

/** Steps of the interpreter: about a second. A thousand turns take some hundred thousand. */
const MAX_STEPS = 10_000_000;
/** Characters that may be made beside those that are in proportion to what was given. */
const BASE_ALLOCATION = 16 * 1024 * 1024;
/** An element of a list, in characters: by the time that it takes. */
const ELEMENT = 4;
/** How often all that was given may be copied: real templates take their messages apart a few dozen times. */
const COPIES = 128;
/** Characters of output. */
const MAX_OUTPUT = 64 * 1024 * 1024;
/** Macros and loops that call themselves. */
const MAX_CALLS = 150;

/** Counts down; throws {@link TemplateLimitError} when something is used up. */
export class Budget {
  #steps = MAX_STEPS;
  #allocation: number;
  #output = MAX_OUTPUT;
  #calls = 0;

  /** @param given characters that the template is given */
  constructor(given: number) {
    this.#allocation = BASE_ALLOCATION + COPIES * given;
  }

  /** One step, or `n` of them at once. */
  step(n = 1): void {
    this.#steps -= n;
    if (this.#steps < 0) throw new TemplateLimitError(`takes more than ${MAX_STEPS} steps`);
  }

  /** Before `n` characters are looked through: far quicker than a step each. */
  scan(n: number): void {
    this.step(1 + Math.floor(n / 64));
  }

  /** Before `n` elements of a list are made. */
  allocateElements(n: number): void {
    this.allocate(n * ELEMENT);
  }

  /** Before `n` characters are made. */
  allocate(n: number): void {
    this.#allocation -= n;
    if (this.#allocation < 0) throw new TemplateLimitError("makes too much text or too many values");
  }

  /** Before `n` characters are put out. */
  output(n: number): void {
    this.#output -= n;
    if (this.#output < 0) throw new TemplateLimitError(`writes more than ${MAX_OUTPUT} characters`);
  }

  /** Runs the body of a macro or of a loop that was called by its name. */
  nested<T>(body: () => T): T {
    if (++this.#calls > MAX_CALLS) throw new TemplateLimitError(`calls itself more than ${MAX_CALLS} times over`);
    try {
      return body();
    } finally {
      this.#calls--;
    }
  }
}
