import { labelsText } from "./written-metric.js";

interface Counts {
  /** By bucket, and last what is above them all: how many fell into it and into none below. */
  readonly each: Float64Array;
  sum: number;
  readonly labels: (bound?: string) => string;
}

/**
 * A histogram of what is measured for every token. prom-client's makes an object and a text of its labels out of each value,
 * which costs a microsecond; here it is two additions.
 */
export class TokenGaps {
  readonly #names: readonly string[];
  readonly #help: string;
  readonly #bounds: readonly number[];
  readonly #models = new Map<string, Counts>();

  /**
   * @param names the same numbers stand under each
   * @param bounds in seconds, ascending
   * @param models whose counts are there from the start
   */
  constructor(names: readonly string[], help: string, bounds: readonly number[], models: readonly string[]) {
    this.#names = names;
    this.#help = help;
    this.#bounds = bounds;
    for (const model of models) this.#countsOf(model);
  }

  observe(model: string, seconds: number): void {
    const counts = this.#countsOf(model);
    const bounds = this.#bounds;
    let bucket = 0;
    while (bucket < bounds.length && seconds > bounds[bucket]!) bucket += 1;
    counts.each[bucket]! += 1;
    counts.sum += seconds;
  }

  /** In Prometheus' text format. */
  text(): string {
    return this.#names.map((name) => this.#textAs(name)).join("");
  }

  #textAs(name: string): string {
    let text = `# HELP ${name} ${this.#help}\n# TYPE ${name} histogram\n`;
    for (const { each, sum, labels } of this.#models.values()) {
      let count = 0;
      for (const [bucket, fell] of each.entries()) {
        count += fell;
        text += `${name}_bucket${labels(String(this.#bounds[bucket] ?? "+Inf"))} ${count}\n`;
      }
      text += `${name}_sum${labels()} ${sum}\n${name}_count${labels()} ${count}\n`;
    }
    return text;
  }

  #countsOf(model: string): Counts {
    let counts = this.#models.get(model);
    if (counts === undefined) {
      const labels = (le?: string) => labelsText(le === undefined ? { model_name: model } : { le, model_name: model });
      counts = { each: new Float64Array(this.#bounds.length + 1), sum: 0, labels };
      this.#models.set(model, counts);
    }
    return counts;
  }
}
