/** The latest results of a function of texts, so that what many requests share is made once. */
export class Memo<T> {
  readonly #kept = new Map<string, T>();
  readonly #most: number;

  /** @param most results that are kept: those asked for latest */
  constructor(most: number) {
    this.#most = most;
  }

  /** What was made for the key; nothing is kept where `make` throws. */
  get(key: string, make: () => T): T {
    const found = this.#kept.has(key);
    const value = found ? this.#kept.get(key)! : make();
    this.#kept.delete(key);
    this.#kept.set(key, value);
    if (this.#kept.size > this.#most) this.#kept.delete(this.#kept.keys().next().value!);
    return value;
  }
}
