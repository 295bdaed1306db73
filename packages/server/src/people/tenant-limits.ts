import { Problem } from "../http/problem.js";
import { Bucket } from "./bucket.js";
import type { TenantTerms } from "./key-file.js";

/** Clients keep to a Retry-After from 1 to 60 s; what lies beyond they ignore, and ask again at once. */
const MOST_RETRY_SECONDS = 60;

type Counted = "requests" | "tokens";

/** What one tenant has used, against its limits as they are now. */
export class TenantLimits {
  readonly #buckets = new Map<Counted, Bucket>();
  #running = 0;
  /** Of the running, those that wait for their turn. */
  waiting = 0;

  /**
   * Counts a request in.
   *
   * @param tell sets a header of the answer, also where it is refused
   * @throws Problem 429; the request is then not counted
   */
  arrive(terms: TenantTerms, tell: (name: string, value: string) => void, now = performance.now()): void {
    const requests = this.#bucket("requests", terms.requestsPerMinute, now);
    const tokens = this.#bucket("tokens", terms.tokensPerMinute, now);
    const asked = [requests?.msUntil(1, now) ?? 0, tokens?.msUntil(1, now) ?? 0] as const;
    const many = this.#running >= (terms.requestsAtOnce ?? Infinity);
    if (!many && asked[0] === 0 && asked[1] === 0) {
      this.#running += 1;
      requests?.take(1, now);
    }
    if (requests !== undefined) tellOf("requests", requests, tell, now);
    if (tokens !== undefined) tellOf("tokens", tokens, tell, now);
    if (asked[0] > 0) throw exceeded("requests a minute", asked[0]);
    if (asked[1] > 0) throw exceeded("tokens a minute", asked[1]);
    if (many) throw exceeded("requests at once", 1000);
  }

  get running(): number {
    return this.#running;
  }

  spent(tokens: number, now = performance.now()): void {
    this.#buckets.get("tokens")?.take(tokens, now);
  }

  leave(): void {
    this.#running -= 1;
  }

  #bucket(counted: Counted, perMinute: number | undefined, now: number): Bucket | undefined {
    const bucket = this.#buckets.get(counted);
    if (perMinute === undefined) {
      this.#buckets.delete(counted);
      return undefined;
    }
    if (bucket === undefined) {
      const made = new Bucket(perMinute, now);
      this.#buckets.set(counted, made);
      return made;
    }
    if (bucket.perMinute !== perMinute) bucket.resize(perMinute, now);
    return bucket;
  }
}

/** Under OpenAI's names. */
function tellOf(counted: Counted, bucket: Bucket, tell: (name: string, value: string) => void, now: number): void {
  tell(`x-ratelimit-limit-${counted}`, String(bucket.perMinute));
  tell(`x-ratelimit-remaining-${counted}`, String(Math.max(0, Math.floor(bucket.level(now)))));
  tell(`x-ratelimit-reset-${counted}`, duration(bucket.msUntil(bucket.perMinute, now)));
}

/** As OpenAI writes it: `"120ms"`, `"6s"`, `"1m30s"`. */
function duration(ms: number): string {
  if (ms < 1000) return `${Math.ceil(ms)}ms`;
  const seconds = Math.ceil(ms / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}

function exceeded(what: string, ms: number): Problem {
  const seconds = Math.min(MOST_RETRY_SECONDS, Math.max(1, Math.ceil(ms / 1000)));
  return new Problem(429, "rate_limit_exceeded", `the tenant has used up its ${what}: ask again in ${seconds} s`, {
    headers: { "retry-after": String(seconds) },
  });
}
