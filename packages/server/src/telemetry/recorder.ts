import type { IncomingMessage, ServerResponse } from "node:http";
import type { FinishReason, Timings } from "medinfer";
import type { Problem } from "../http/problem.js";
import type { Spent } from "../accounting/tally.js";
import type { Watch } from "../accounting/watch.js";
import type { Call, Route } from "../http/route.js";
import type { ServedModel } from "../models/served-model.js";

/** What a request was answered with, as far as it is counted: a generation's result is one, and an embedding's. */
export interface Outcome {
  readonly usage: {
    readonly promptTokens: number;
    readonly completionTokens?: number;
    readonly imageTokens?: number;
    readonly cachedTokens?: number;
  };
  readonly timings?: Timings;
  readonly finishReason?: FinishReason;
  readonly choices?: readonly { readonly finishReason: FinishReason }[];
}

/** A request before its sender is known. */
export interface Unknown {
  readonly id: string;
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
}

/** A request on its way into a model's engine. */
export interface Entry {
  /** It has its place. @returns what is to be told of its generations */
  admitted(): Watch;
}

/** Is told what becomes of requests: counts and times, never a text. */
export interface Recorder {
  /**
   * A request has come in. Its answer's status and end are those of `call.outgoing`.
   *
   * @throws Problem 503 where a request has to leave a line in the audit log, and none can be written
   */
  arrived(call: Call, route: Route): void;
  /** A request was turned away before it was known who sends it. @param route none where its path has none */
  refused(request: Unknown, route: Route | undefined, problem: Problem): void;
  /** A request names a model that there is; whether it gets to it is still to be seen. */
  asks(call: Call, model: ServedModel): void;
  /** A request waits for its place at a model. */
  entering(call: Call, model: ServedModel): Entry;
  answered(call: Call, model: ServedModel, outcome: Outcome): void;
  /** What was computed for it, answered or not. Told once, behind `answered`. */
  spent(call: Call, model: ServedModel, spent: Spent): void;
  /** @param cause what a problem of status 500 was made of; its message may name files, never a text */
  failed(call: Call, problem: Problem, cause: unknown): void;
  /** What handled the request is through with it. Its answer may still be on its way. */
  left(call: Call): void;
}
