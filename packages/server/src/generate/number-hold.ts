/**
 * Keeps back a number at the end of JSON text that has come so far: 2 on its way to 250 would be shown as a dose. It goes out
 * with the character that ends it.
 */
export class NumberHold {
  #held = "";
  #inString = false;
  #escaped = false;

  /** @param begun JSON that the text continues, and that has been shown */
  constructor(begun = "") {
    this.push(begun);
    this.#held = "";
  }

  /** The text that may be shown now. */
  push(text: string): string {
    const all = this.#held + text;
    // What was held is looked at again; it is no part of a string.
    let numberFrom = -1;
    for (let i = 0; i < all.length; i++) {
      const character = all[i]!;
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false;
        else if (character === "\\") this.#escaped = true;
        else if (character === '"') this.#inString = false;
        continue;
      }
      if (character === '"') this.#inString = true;
      if (!/[-+.0-9eE]/.test(character)) numberFrom = -1;
      else if (numberFrom < 0 && /[-0-9]/.test(character)) numberFrom = i;
    }
    if (numberFrom < 0) numberFrom = all.length;
    this.#held = all.slice(numberFrom);
    return all.slice(0, numberFrom);
  }

  /** What is left at the end of the answer. */
  flush(): string {
    const rest = this.#held;
    this.#held = "";
    return rest;
  }
}
