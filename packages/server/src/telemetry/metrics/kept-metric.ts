import type { Counter, Histogram, Registry } from "prom-client";

/** A metric whose text is made when it is asked for, and again only when the metric has changed: buckets are many lines. */
export class KeptMetric<T extends Counter | Histogram> {
  readonly #metric: T;
  readonly #make: () => Promise<string>;
  #text: Promise<string> | undefined;

  /** @param other another name, under which the text has it all a second time */
  constructor(metric: T, registry: Registry, name: string, other?: string) {
    this.#metric = metric;
    const atLineStarts = new RegExp(`^(# HELP |# TYPE |)${name}`, "gm");
    this.#make = async () => {
      const text = `${await registry.getSingleMetricAsString(name)}\n`;
      return other === undefined ? text : text + text.replace(atLineStarts, `$1${other}`);
    };
  }

  /** The metric, to be changed. */
  get changing(): T {
    this.#text = undefined;
    return this.#metric;
  }

  text(): Promise<string> {
    this.#text ??= this.#make();
    return this.#text;
  }
}
