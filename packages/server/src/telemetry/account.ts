import type { IncomingMessage, ServerResponse } from "node:http";
import type { Spent } from "../accounting/tally.js";
import { CANCELLED, type Problem } from "../http/problem.js";
import type { Call, Route } from "../http/route.js";
import { SLOW_READER } from "../http/slow-reader.js";
import type { ServedModel } from "../models/served-model.js";
import type { Outcome } from "./recorder.js";

/**
 * What became of a request: `"refused"`: its sender's fault; `"failed"`: the server's; `"client_gone"`: its sender left before
 * its answer was whole; `"slow_reader"`: its sender stopped reading; `"cancelled"`: its batch was
 * cancelled.
 */
export type End = "answered" | "refused" | "failed" | "client_gone" | "slow_reader" | "cancelled";

/** The status of a request whose sender left before there was one. */
const CLIENT_GONE = 499;

/**
 * All that is known of a request, as it becomes known. Times are those of `performance.now()`. What it says of itself holds no
 * text of the request; `call` does, and is for digests alone.
 */
export class Account {
  readonly id: string;
  /** Undefined: its path has no route. */
  readonly route: Route | undefined;
  readonly incoming: IncomingMessage;
  /** Undefined: nobody was found to ask. */
  readonly call: Call | undefined;
  readonly arrivedAt = performance.now();
  model: ServedModel | undefined;
  enteringAt: number | undefined;
  admittedAt: number | undefined;
  /** When the engine was asked. */
  submittedAt: number | undefined;
  /** When the latest tokens of each choice were handed to its stream. */
  readonly tokensAt: (number | undefined)[] = [];
  outcome: Outcome | undefined;
  /** What was computed for it; undefined: it did not get to an engine. */
  spent: Spent | undefined;
  problem: Problem | undefined;
  endedAt = 0;
  readonly #outgoing: ServerResponse;
  /** By its event: of a batch's line, which has no socket, `writableFinished` stays false. */
  #finished = false;

  constructor(
    { id, incoming, outgoing }: Pick<Call, "id" | "incoming" | "outgoing">,
    route: Route | undefined,
    call?: Call,
  ) {
    this.id = id;
    this.incoming = incoming;
    this.#outgoing = outgoing;
    outgoing.once("finish", () => (this.#finished = true));
    this.route = route;
    this.call = call;
  }

  /** E.g. `POST /v1/chat/completions`: as the server writes it, whatever was asked for. */
  get endpoint(): string {
    return this.route === undefined ? "none" : `${this.route.method.toUpperCase()} ${this.route.path}`;
  }

  get status(): number {
    return this.#outgoing.headersSent ? this.#outgoing.statusCode : CLIENT_GONE;
  }

  /** A word for programs. Undefined: nothing was wrong. */
  get code(): string | undefined {
    return this.end === "client_gone" ? "client_gone" : this.problem?.code;
  }

  /** REQUIRES: the answer has ended. */
  get end(): End {
    // Node says of an answer that is destroyed with no error that it has finished.
    if (this.problem?.code === SLOW_READER) return "slow_reader";
    if (this.problem?.code === CANCELLED) return "cancelled";
    if (this.#finished) {
      if (this.status >= 500) return "failed";
      return this.status >= 400 ? "refused" : "answered";
    }
    // A stream breaks off with what went wrong; what a sender leaves behind is ended as aborted.
    const { problem } = this;
    if (problem === undefined || problem.code === "aborted") return "client_gone";
    // Without a status: its sender broke off, and was told of that in vain.
    return this.status === CLIENT_GONE && problem.status < 500 ? "client_gone" : "failed";
  }

  get ms(): number {
    return this.endedAt - this.arrivedAt;
  }

  get completionTokens(): number {
    return this.outcome?.usage.completionTokens ?? 0;
  }

  get streamed(): boolean {
    return this.tokensAt.length > 0;
  }
}
