import type { TextRow } from "./read-texts.js";
import type { CutText, EmbedUsage } from "./types.js";

/** Adds up what the texts of a call took, and which of them were cut. */
export class Tally {
  readonly usage: EmbedUsage = { promptTokens: 0, cachedTokens: 0 };
  readonly #cut: CutText[] = [];

  add({ index, tokens, cached, cut }: TextRow): void {
    this.usage.promptTokens += tokens;
    this.usage.cachedTokens += cached;
    if (cut > 0) this.#cut.push({ index, tokens, cutTokens: cut });
  }

  /** By index. */
  get truncated(): CutText[] {
    return this.#cut.sort((a, b) => a.index - b.index);
  }
}
