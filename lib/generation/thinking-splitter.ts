import type { ThinkingTags } from "./types.js";

/** A piece of what the model said: of its answer, or of the reasoning before it. */
export interface Segment {
  type: "text" | "reasoning";
  text: string;
}

/**
 * Tells reasoning from the answer by the tags around it, in a stream.
 *
 * Invariants:
 *   - outside a block only the opening tag counts, inside only the closing one: any other tag is plain text;
 *   - nothing is returned that could still turn out to be a part of the tag that counts;
 *   - the segments, joined by type, do not depend on how the text was cut into pieces.
 */
export class ThinkingSplitter {
  readonly #tags: ThinkingTags;
  #inside: boolean;
  #held = "";
  /** Directly behind a tag: the white space there belongs to the tags. */
  #afterTag: boolean;
  /** Whether a block has had text, and whether this one has: blocks are put on lines of their own. */
  #reasoned = false;
  #newBlock = false;

  constructor(tags: ThinkingTags) {
    this.#tags = tags;
    this.#inside = tags.startsOpen === true;
    this.#afterTag = this.#inside;
  }

  /** Takes more text and returns what may be told now. */
  push(text: string): Segment[] {
    this.#held += text;
    const segments: Segment[] = [];
    for (;;) {
      const tag = this.#inside ? this.#tags.close : this.#tags.open;
      const at = this.#held.indexOf(tag);
      if (at < 0) {
        this.#take(this.#held.length - beginningAtEnd(this.#held, tag), segments);
        return segments;
      }
      this.#take(at, segments);
      this.#held = this.#held.slice(tag.length);
      this.#inside = !this.#inside;
      this.#afterTag = true;
      this.#newBlock = this.#inside && this.#reasoned;
    }
  }

  /** The text has ended: an unfinished tag is text, and a block that was not closed is reasoning to its end. */
  flush(): Segment[] {
    const segments: Segment[] = [];
    this.#take(this.#held.length, segments);
    return segments;
  }

  /** Moves the first `length` units of what is held into a segment. */
  #take(length: number, segments: Segment[]): void {
    let text = this.#held.slice(0, length);
    this.#held = this.#held.slice(length);
    if (this.#afterTag) text = text.trimStart();
    if (text === "") return;
    this.#afterTag = false;
    if (!this.#inside) {
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
