import type { GenerationResult } from "medinfer";
import type { Problem } from "../http/problem.js";
import type { Call, Route } from "../http/route.js";
import type { ServedModel } from "../models/served-model.js";

/** Is told what becomes of requests: counts and times, never a text. */
export interface Recorder {
  /** A request has come in. Its answer's status and end are those of `call.outgoing`. */
  arrived(call: Call, route: Route): void;
  answered(call: Call, model: ServedModel, result: GenerationResult): void;
  /** @param cause what a problem of status 500 was made of; its message may name files, never a text */
  failed(call: Call, problem: Problem, cause: unknown): void;
}

export const noRecorder: Recorder = { arrived: () => {}, answered: () => {}, failed: () => {} };
