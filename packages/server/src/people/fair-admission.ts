import { Problem } from "../http/problem.js";
import type { Call } from "../http/route.js";
import type { ServedModel } from "../models/served-model.js";
import type { Admission, Visit } from "./admission.js";
import { FairQueue } from "./fair-queue.js";
import type { TenantTerms } from "./key-file.js";
import { TenantLimits } from "./tenant-limits.js";

/**
 * Requests that are in the engine for each that it can run: enough that it never waits for the next, few enough that its own
 * queue, which knows no tenants, stays short.
 */
const PLACES_PER_SLOT = 2;
/** Most that wait of one tenant at one model, where the model's `maxQueue` says nothing. */
const MOST_WAITING = 1024;
/** Who waits longer has better asked another server. */
const MOST_WAIT_MS = 120_000;

export interface TenantUsage {
  tenant: string;
  requests: number;
  waiting: number;
}

/** Lets requests on within their tenant's limits, and gives the places at a model to the tenants in turn. */
export class FairAdmission implements Admission {
  readonly #termsOf: (tenant: string) => TenantTerms;
  readonly #limits = new Map<string, TenantLimits>();
  readonly #queues = new WeakMap<ServedModel, FairQueue>();

  /** @param termsOf a tenant's limits and share, as they are now */
  constructor(termsOf: (tenant: string) => TenantTerms) {
    this.#termsOf = termsOf;
  }

  arrive(call: Call): Visit {
    const { who, outgoing } = call;
    const limits = this.#limits.get(who.tenant) ?? new TenantLimits();
    this.#limits.set(who.tenant, limits);
    limits.arrive(this.#termsOf(who.tenant), (name, value) => {
      if (!outgoing.headersSent) outgoing.setHeader(name, value);
    });
    let held: FairQueue | undefined;
    return {
      place: async (model) => {
        const queue = this.#queueOf(model);
        limits.waiting += 1;
        try {
          await placeIn(queue, model, call);
          held = queue;
        } finally {
          limits.waiting -= 1;
        }
      },
      spent: (tokens) => limits.spent(tokens),
      leave() {
        limits.leave();
        held?.leave();
      },
    };
  }

  /** Tenants that have asked since the start, with their requests at once and how many of these wait. */
  get usage(): TenantUsage[] {
    return [...this.#limits].map(([tenant, { running, waiting }]) => ({ tenant, requests: running, waiting }));
  }

  /** REQUIRES: the model is loaded */
  #queueOf(model: ServedModel): FairQueue {
    const known = this.#queues.get(model);
    if (known !== undefined) return known;
    const places = PLACES_PER_SLOT * model.engine!.info.batchSize;
    const queue = new FairQueue(places, (tenant) => this.#termsOf(tenant).share ?? 1);
    this.#queues.set(model, queue);
    return queue;
  }
}

/** @throws Problem (rejects) 429 where too many of the tenant wait, or it has waited too long */
function placeIn(queue: FairQueue, { config }: ServedModel, { who, signal }: Call): Promise<void> {
  if (queue.waiting(who.tenant) >= (config.maxQueue ?? MOST_WAITING)) {
    return Promise.reject(busy("queue_full", "too many requests of the tenant wait for this model"));
  }
  return new Promise((resolve, reject) => {
    const end = (settle: () => void) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", gone);
      settle();
    };
    const refuse = (problem: Problem) => {
      withdraw();
      end(() => reject(problem));
    };
    const gone = () => refuse(new Problem(499, "client_gone", "the client is gone"));
    const late = () => refuse(busy("queue_timeout", "the request has waited too long for its turn at this model"));
    const timer = setTimeout(late, MOST_WAIT_MS).unref();
    signal.addEventListener("abort", gone, { once: true });
    const withdraw = queue.enter(who.tenant, () => end(resolve));
    if (signal.aborted) gone();
  });
}

function busy(code: string, why: string): Problem {
  return new Problem(429, code, `${why}: ask again in a few seconds`, { headers: { "retry-after": "2" } });
}
