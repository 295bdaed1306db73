import { ControlMarks } from "./control-marks.js";
import type { TextSegment } from "./segments.js";
import type { ThinkingTags } from "./types.js";

/**
 * What the answer has to be: anything; JSON, before which white space is nobody's; or what a grammar says, to the letter.
 */
export type AnswerForm = "free" | "json" | "grammar";

/** White space that the engine lets a model write before an opening tag; what is in TagTracker must be here. */
const BLANKS = /^[ \t\n\r]*/;

/**
 * Tells reasoning from the answer by the tags around it, in a stream.
 *
 * A free answer may be interrupted by any number of blocks. One that has a form begins at once or behind the one block
 * that stands before it, and no tag counts in it: it may hold any text.
 *
 * Invariants:
 *   - outside a block only the opening tag counts, inside only the closing one: any other tag is plain text;
 *   - nothing is returned that could still turn out to be a part of the tag that counts;
 *   - the segments, joined by type, do not depend on how the text was cut into pieces.
 */
export class ThinkingSplitter {
  readonly #tags: ThinkingTags;
  readonly #form: AnswerForm;
  readonly #marks: ControlMarks;
  /** `"before"`: an answer with a form has not begun, and the block before it neither. `"behind"`: it has. */
  #place: "before" | "outside" | "inside" | "behind";
  #held = "";
  /** Where `#held` begins in the whole text. */
  #from = 0;
  /** Directly behind a tag: the white space there belongs to the tags. */
  #afterTag: boolean;
  /** Whether a block has had text, and whether this one has: blocks are put on lines of their own. */
  #reasoned = false;
  #newBlock = false;

  /** @param marks where control tokens stand in the text that is pushed */
  constructor(tags: ThinkingTags, form: AnswerForm = "free", marks = new ControlMarks()) {
    this.#tags = tags;
    this.#form = form;
    this.#marks = marks;
    if (tags.startsOpen === true) this.#place = "inside";
    else this.#place = form === "free" ? "outside" : "before";
    this.#afterTag = this.#place === "inside";
  }

  /** Takes more text and returns what may be emitted now. */
  push(text: string): TextSegment[] {
    this.#held += text;
    const segments: TextSegment[] = [];
    while (this.#step(segments));
    return segments;
  }

  /** The text has ended: an unfinished tag is text, and a block that was not closed is reasoning to its end. */
  flush(): TextSegment[] {
    const segments: TextSegment[] = [];
    if (this.#place === "before") this.#beginAnswer();
    this.#take(this.#held.length, segments);
    return segments;
  }

  /** Looks for the tag that counts. Returns whether it was there, and the next one may be. */
  #step(segments: TextSegment[]): boolean {
    if (this.#place === "behind") {
      this.#take(this.#held.length, segments);
      return false;
    }
    if (this.#place === "before") return this.#decide();
    const tag = this.#place === "inside" ? this.#tags.close : this.#tags.open;
    const at = this.#held.indexOf(tag);
    if (at < 0) {
      this.#take(this.#held.length - beginningAtEnd(this.#held, tag), segments);
      return false;
    }
    this.#take(at, segments);
    this.#drop(tag.length);
    if (this.#place === "outside") this.#place = "inside";
    else this.#place = this.#form === "free" ? "outside" : "behind";
    // An answer that a grammar says begins with what the grammar says, white space included.
    this.#afterTag = this.#place !== "behind" || this.#form === "json";
    this.#newBlock = this.#place === "inside" && this.#reasoned;
    return true;
  }

  /** Whether the text begins with the opening tag. Returns whether that is known. */
  #decide(): boolean {
    const { open } = this.#tags;
    const skips = this.#form === "json" && BLANKS.exec(open)![0] === "";
    const blanks = skips ? BLANKS.exec(this.#held)![0].length : 0;
    const begun = this.#held.slice(blanks);
    if (begun.startsWith(open)) {
      this.#drop(blanks + open.length);
      this.#place = "inside";
      this.#afterTag = true;
      return true;
    }
    if (open.startsWith(begun)) return false;
    this.#beginAnswer();
    return true;
  }

  #beginAnswer(): void {
    this.#place = "behind";
    this.#afterTag = this.#form === "json";
  }

  #drop(length: number): void {
    this.#held = this.#held.slice(length);
    this.#from += length;
  }

  /** Moves the first `length` units of what is held into a segment. */
  #take(length: number, segments: TextSegment[]): void {
    let text = this.#marks.visible(this.#held.slice(0, length), this.#from);
    this.#drop(length);
    if (this.#afterTag) text = text.trimStart();
    if (text === "") return;
    this.#afterTag = false;
    if (this.#place !== "inside") {
      segments.push({ type: "text", text });
      return;
    }
    segments.push({ type: "reasoning", text: this.#newBlock ? `\n${text}` : text });
    this.#newBlock = false;
    this.#reasoned = true;
  }
}

/** How many units at the end of `text` are a beginning of `tag`. */
function beginningAtEnd(text: string, tag: string): number {
  for (let length = Math.min(text.length, tag.length - 1); length > 0; length--) {
    if (text.endsWith(tag.slice(0, length))) return length;
  }
  return 0;
}
