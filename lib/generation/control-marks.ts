/**
 * Where control tokens stand in the model's text. Stops and tags are looked for in them, too, where the request names
 * them; they are not emitted.
 */
export class ControlMarks {
  /** Begin and end of each that may still be asked for, in order. */
  #ranges: [number, number][] = [];
  #length = 0;

  /** The text goes on with this. */
  add(text: string, control: boolean): void {
    const begin = this.#length;
    this.#length += text.length;
    if (control) this.#ranges.push([begin, this.#length]);
  }

  /** `text`, which begins at `from`, without control tokens. REQUIRES: `from` is the end of what was asked for last, or later. */
  visible(text: string, from: number): string {
    if (this.#ranges.length === 0) return text;
    const to = from + text.length;
    let shown = "";
    let at = from;
    for (const [begin, end] of this.#ranges) {
      if (begin >= to) break;
      if (end <= at) continue;
      shown += text.slice(at - from, Math.max(begin, at) - from);
      at = Math.min(end, to);
    }
    this.#ranges = this.#ranges.filter(([, end]) => end > to);
    return shown + text.slice(at - from);
  }
}
