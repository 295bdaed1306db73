import type { StopScanner } from "../stops/stop-scanner.js";
import { ControlMarks } from "./control-marks.js";
import type { Segment } from "./segments.js";
import { ThinkingSplitter, type AnswerForm } from "./thinking-splitter.js";
import type { TurnReader } from "./turn-reader.js";
import type { ThinkingTags } from "./types.js";

/** How the text that no stop has ended is read; by default all of it is the answer. */
export interface Reading {
  /** By the format of the chat template. */
  reader?: TurnReader | undefined;
  /** Without a reader: by tags around reasoning. */
  tags?: ThinkingTags | undefined;
  form?: AnswerForm;
}

/**
 * The way of the model's text to its reader: stops first, in all of it, then the format or the tags in what is left. Control tokens
 * that a stop or a tag names are looked at on the way, and dropped at its end.
 *
 * Invariant: nothing follows a stop.
 */
export class AnswerStream {
  readonly #stops: StopScanner | undefined;
  readonly #reader: TurnReader | undefined;
  readonly #thinking: ThinkingSplitter | undefined;
  readonly #marks = new ControlMarks();
  /** How much of the text was emitted, without a splitter. */
  #emitted = 0;

  /** Without a scanner, and without a reader or tags, text passes as it is. */
  constructor(stops?: StopScanner, { reader, tags, form = "free" }: Reading = {}) {
    this.#stops = stops;
    this.#reader = reader;
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
    if (this.#reader !== undefined) return [...rest, ...this.#reader.flush()];
    return this.#thinking === undefined ? rest : [...rest, ...this.#thinking.flush()];
  }

  #split(text: string): Segment[] {
    if (text === "") return [];
    if (this.#reader !== undefined) return this.#reader.push(text);
    if (this.#thinking !== undefined) return this.#thinking.push(text);
    const visible = this.#marks.visible(text, this.#emitted);
    this.#emitted += text.length;
    return visible === "" ? [] : [{ type: "text", text: visible }];
  }
}
