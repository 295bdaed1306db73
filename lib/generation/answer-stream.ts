import type { StopScanner } from "../stops/stop-scanner.js";
import { ControlMarks } from "./control-marks.js";
import { ThinkingSplitter, type AnswerForm, type Segment } from "./thinking-splitter.js";
import type { ThinkingTags } from "./types.js";

/**
 * The way of the model's text to its reader: stops first, in all of it, then the tags in what is left. Control tokens
 * that a stop or a tag names are looked at on the way, and dropped at its end.
 *
 * Invariant: nothing follows a stop.
 */
export class AnswerStream {
  readonly #stops: StopScanner | undefined;
  readonly #thinking: ThinkingSplitter | undefined;
  readonly #marks = new ControlMarks();
  /** How much of the text was emitted, without a splitter. */
  #emitted = 0;

  /** Without a scanner, and without tags, text passes as it is. */
  constructor(stops?: StopScanner, tags?: ThinkingTags, form: AnswerForm = "free") {
    this.#stops = stops;
    this.#thinking = tags === undefined ? undefined : new ThinkingSplitter(tags, form, this.#marks);
  }

  /** The text of the stop that was found. */
  get stop(): string | undefined {
    return this.#stops?.stop;
  }

  /** What the model said next. @param control whether it is what a control token is written as */
  push(text: string, control = false): Segment[] {
    this.#marks.add(text, control);
    return this.#split(this.#stops === undefined ? text : this.#stops.push(text));
  }

  /** The model has said all. */
  flush(): Segment[] {
    const rest = this.#stops === undefined ? [] : this.#split(this.#stops.flush());
    return this.#thinking === undefined ? rest : [...rest, ...this.#thinking.flush()];
  }

  #split(text: string): Segment[] {
    if (text === "") return [];
    if (this.#thinking !== undefined) return this.#thinking.push(text);
    const visible = this.#marks.visible(text, this.#emitted);
    this.#emitted += text.length;
    return visible === "" ? [] : [{ type: "text", text: visible }];
  }
}
