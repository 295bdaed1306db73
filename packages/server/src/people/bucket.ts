const MINUTE_MS = 60_000;

/**
 * So many units a minute, refilled all the time: a token bucket that may be overdrawn, because what an answer costs is known
 * only behind it. Windows that begin anew let twice as much through around their border, forgive what was overdrawn, and make
 * all who wait come back at the same moment.
 */
export class Bucket {
  #level: number;
  #at: number;
  #perMinute: number;

  /** @param now milliseconds of a clock that never goes back */
  constructor(perMinute: number, now: number) {
    this.#perMinute = perMinute;
    this.#level = perMinute;
    this.#at = now;
  }

  get perMinute(): number {
    return this.#perMinute;
  }

  /** A new limit: what was used stays used. */
  resize(perMinute: number, now: number): void {
    this.#level = this.level(now) + perMinute - this.#perMinute;
    this.#perMinute = perMinute;
  }

  /** What is left; negative where it is overdrawn. */
  level(now: number): number {
    this.#level = Math.min(this.#perMinute, this.#level + ((now - this.#at) / MINUTE_MS) * this.#perMinute);
    this.#at = now;
    return this.#level;
  }

  take(units: number, now: number): void {
    this.#level = this.level(now) - units;
  }

  /** Milliseconds until at least so many are left. REQUIRES: units <= perMinute */
  msUntil(units: number, now: number): number {
    return Math.max(0, ((units - this.level(now)) / this.#perMinute) * MINUTE_MS);
  }
}
