import { Problem } from "../http/problem.js";
import type { InputItem } from "./input-schema.js";
import type { ResponseObject } from "./response-object.js";

/** How long a response is kept. */
const KEPT_MS = 3_600_000;
/** Most bytes of all that are kept: the oldest go first. */
const MOST_BYTES = 256 * 2 ** 20;

interface Kept {
  owner: string;
  response: ResponseObject;
  /** The whole conversation: what it answered, and what it said. */
  items: readonly InputItem[];
  bytes: number;
  timer: NodeJS.Timeout;
}

/** Responses that later ones go on from: in memory, for an hour, each tenant's for itself. */
export class ResponseStore {
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;

  /**
   * @param owner the tenant that may come back to it
   * @param items the conversation up to it
   */
  keep(owner: string, response: ResponseObject, items: readonly InputItem[]): void {
    const whole = [...items, ...(response.output as readonly InputItem[])];
    const bytes = 2 * (JSON.stringify(response).length + JSON.stringify(whole).length);
    const timer = setTimeout(() => this.#forget(response.id), KEPT_MS).unref();
    this.#kept.set(response.id, { owner, response, items: whole, bytes, timer });
    this.#bytes += bytes;
    for (const id of this.#kept.keys()) {
      if (this.#bytes <= MOST_BYTES) break;
      this.#forget(id);
    }
  }

  /** @throws Problem 404, also for one of another tenant */
  find(id: string, owner: string): ResponseObject {
    return this.#find(id, owner, 404, "response_not_found").response;
  }

  /**
   * The conversation up to a response, with it.
   *
   * @throws Problem 400, as OpenAI answers it
   */
  conversation(id: string, owner: string): readonly InputItem[] {
    return this.#find(id, owner, 400, "previous_response_not_found").items;
  }

  /** @throws Problem 404, also for one of another tenant */
  delete(id: string, owner: string): void {
    this.#find(id, owner, 404, "response_not_found");
    this.#forget(id);
  }

  #find(id: string, owner: string, status: number, code: string): Kept {
    const kept = this.#kept.get(id);
    if (kept?.owner === owner) return kept;
    const param = status === 400 ? "previous_response_id" : undefined;
    throw new Problem(status, code, "there is no such response: one is kept for an hour at most", { param });
  }

  #forget(id: string): void {
    const kept = this.#kept.get(id);
    if (kept === undefined) return;
    clearTimeout(kept.timer);
    this.#kept.delete(id);
    this.#bytes -= kept.bytes;
  }
}
