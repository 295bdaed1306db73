import type { StopScanner } from "../stops/stop-scanner.js";
import { ThinkingSplitter, type Segment } from "./thinking-splitter.js";
import type { ThinkingTags } from "./types.js";

/**
 * The way of the model's text to its reader: stops first, in all of it, then the tags in what is left.
 *
 * Invariant: nothing follows a stop.
 */
export class AnswerStream {
  readonly #stops: StopScanner | undefined;
  readonly #thinking: ThinkingSplitter | undefined;

  /** Without a scanner, and without tags, text passes as it is. */
  constructor(stops?: StopScanner, tags?: ThinkingTags) {
    this.#stops = stops;
    this.#thinking = tags === undefined ? undefined : new ThinkingSplitter(tags);
  }

  /** The text of the stop that was found. */
  get stop(): string | undefined {
    return this.#stops?.stop;
  }

  /** What the model said next. */
  push(text: string): Segment[] {
    return this.#split(this.#stops === undefined ? text : this.#stops.push(text));
  }

  /** The model has said all. */
  flush(): Segment[] {
    const rest = this.#stops === undefined ? [] : this.#split(this.#stops.flush());
    return this.#thinking === undefined ? rest : [...rest, ...this.#thinking.flush()];
  }

  #split(text: string): Segment[] {
    if (text === "") return [];
    return this.#thinking === undefined ? [{ type: "text", text }] : this.#thinking.push(text);
  }
}
