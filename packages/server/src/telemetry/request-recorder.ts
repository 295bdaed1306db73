import type { ServerResponse } from "node:http";
import type { Spent } from "../accounting/tally.js";
import { unwatched } from "../accounting/watch.js";
import type { Problem } from "../http/problem.js";
import type { Call, Route } from "../http/route.js";
import type { ServedModel } from "../models/served-model.js";
import { Account } from "./account.js";
import type { Observer } from "./observer.js";
import type { Entry, Outcome, Recorder, Unknown } from "./recorder.js";

/** Keeps an account of each request, and shows it to whoever makes something of it. */
export class RequestRecorder implements Recorder {
  /** By response: what passes a call on may have copied it. */
  readonly #accounts = new WeakMap<ServerResponse, Account>();
  readonly #waiting = new Map<ServedModel, number>();
  readonly #observers: readonly Observer[];
  /** Those that want to know of every token. */
  readonly #ofTokens: readonly Observer[];
  #underWay = 0;

  /** @param observers in the order in which they are told */
  constructor(observers: readonly Observer[]) {
    this.#observers = observers;
    this.#ofTokens = observers.filter((each) => each.tokens !== undefined);
  }

  /** Requests that have come in, and whose answers have not left yet. */
  get underWay(): number {
    return this.#underWay;
  }

  /** Requests that wait for a place at a model, before its engine has them. */
  waiting(model: ServedModel): number {
    return this.#waiting.get(model) ?? 0;
  }

  arrived(call: Call, route: Route): void {
    const account = new Account(call, route, call);
    this.#accounts.set(call.outgoing, account);
    // It has ended when its answer has left and what handles it is through: of a stream that can be resumed, either may be first.
    let open = 2;
    const close = () => {
      open -= 1;
      if (open === 0) this.#end(account);
    };
    call.outgoing.once("close", close);
    this.#left.set(account, close);
    this.#underWay += 1;
    for (const each of this.#observers) each.arrived?.(account);
  }

  refused(request: Unknown, route: Route | undefined, problem: Problem): void {
    const account = new Account(request, route);
    account.problem = problem;
    this.#underWay += 1;
    request.outgoing.once("close", () => this.#end(account));
  }

  asks(call: Call, model: ServedModel): void {
    const account = this.#accounts.get(call.outgoing);
    if (account !== undefined) account.model = model;
  }

  entering(call: Call, model: ServedModel): Entry {
    const account = this.#accounts.get(call.outgoing);
    if (account === undefined) return { admitted: () => unwatched };
    account.model = model;
    account.enteringAt = performance.now();
    this.#wait(model, 1);
    return {
      admitted: () => {
        account.admittedAt = performance.now();
        this.#wait(model, -1);
        return {
          onSubmit: () => (account.submittedAt = performance.now()),
          onTokens: (choice) => this.#tokens(account, choice),
        };
      },
    };
  }

  answered(call: Call, model: ServedModel, outcome: Outcome): void {
    const account = this.#accounts.get(call.outgoing);
    if (account === undefined) return;
    account.model = model;
    account.outcome = outcome;
    for (const each of this.#observers) each.answered?.(account);
  }

  spent(call: Call, model: ServedModel, { promptTokens, completionTokens, imageTokens }: Spent): void {
    const account = this.#accounts.get(call.outgoing);
    if (account === undefined) return;
    account.model = model;
    // What was refused has taken nothing, not even 0.
    if (account.outcome === undefined && promptTokens + completionTokens === 0) return;
    account.spent = { promptTokens, completionTokens, imageTokens };
    for (const each of this.#observers) each.spent?.(account);
  }

  failed(call: Call, problem: Problem, cause: unknown): void {
    const account = this.#accounts.get(call.outgoing);
    if (account === undefined) return;
    account.problem ??= problem; // others come of the first
    for (const each of this.#observers) each.failed?.(account, cause);
  }

  left(call: Call): void {
    const account = this.#accounts.get(call.outgoing);
    if (account === undefined) return;
    if (account.enteringAt !== undefined && account.admittedAt === undefined) this.#wait(account.model!, -1);
    this.#left.get(account)?.();
  }

  readonly #left = new WeakMap<Account, () => void>();

  #tokens(account: Account, choice: number): void {
    const now = performance.now();
    const before = account.tokensAt[choice];
    account.tokensAt[choice] = now;
    const gap = before === undefined ? undefined : now - before;
    for (const each of this.#ofTokens) each.tokens!(account, gap);
  }

  #wait(model: ServedModel, change: 1 | -1): void {
    this.#waiting.set(model, this.waiting(model) + change);
  }

  #end(account: Account): void {
    this.#underWay -= 1;
    account.endedAt = performance.now();
    for (const each of this.#observers) each.ended?.(account);
  }
}
