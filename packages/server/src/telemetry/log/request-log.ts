import type { Logger } from "pino";
import type { Account } from "../account.js";
import type { Observer } from "../observer.js";
import { describe } from "./place.js";

/** Headers that are logged, where they are numbers; of all others nothing is. */
const LOGGED_HEADERS = { "content-length": "bytes", "x-stainless-retry-count": "retry" } as const;

/** One line for each request that ended, and one for what a status of 500 was made of. */
export class RequestLog implements Observer {
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  failed({ id, endpoint, problem }: Account, cause: unknown): void {
    if (problem!.status < 500 || problem!.code === "aborted") return;
    const { status, code } = problem!;
    // The server's end and a model that is still loading are no defects.
    if (status === 503) this.#log.debug({ id, endpoint, status, code, error: describe(cause) }, "not served");
    else this.#log.error({ id, endpoint, status, code, error: describe(cause) }, "a request failed");
  }

  ended(account: Account): void {
    const { id, endpoint, route, status, end, code, model, spent, call } = account;
    const role = route?.role ?? "user";
    const level = role === "anyone" || role === "metrics" ? "debug" : end === "failed" ? "warn" : "info";
    if (!this.#log.isLevelEnabled(level)) return;
    const line = {
      id,
      endpoint,
      status,
      outcome: end,
      code,
      ms: Math.round(account.ms * 10) / 10,
      model: model?.name,
      key: call?.who.key,
      tenant: call?.who.tenant,
      promptTokens: spent?.promptTokens,
      completionTokens: spent?.completionTokens,
      ...headersOf(account),
    };
    this.#log[level](line, "request");
  }
}

function headersOf({ incoming }: Account): Record<string, number> {
  const found: Record<string, number> = {};
  for (const [header, name] of Object.entries(LOGGED_HEADERS)) {
    const value = incoming.headers[header];
    if (typeof value === "string" && /^\d{1,12}$/.test(value)) found[name] = Number(value);
  }
  return found;
}
