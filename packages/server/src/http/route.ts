import type { IncomingMessage, ServerResponse } from "node:http";
import type * as v from "valibot";
import type { Principal } from "../people/principal.js";
import type { Problem } from "./problem.js";
import type { SentNames } from "./sent-names.js";

/** One request, as what answers it sees it. */
export interface Call<TBody = unknown> {
  /** Its number in logs and answers: `x-request-id`. */
  readonly id: string;
  readonly body: TBody;
  /** Of the path, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly who: Principal;
  /** Aborted when the client is gone, or the server has waited long enough for it at its end. */
  readonly signal: AbortSignal;
  readonly incoming: IncomingMessage;
  /** For answers that are written piece by piece; a header set here before goes out with any answer. */
  readonly outgoing: ServerResponse;
  /** What its sender is told of a failure, without anything that the request said. */
  readonly problemOf: (error: unknown) => Problem;
}

/** The data of a stream's events. */
export interface EventForm {
  /** JSON of this form. */
  readonly data: v.GenericSchema;
  /** The data of the last event of a whole stream, where that is no JSON. */
  readonly last?: string;
}

/** One call of the API: what it is asked with, who may ask, what it answers. The OpenAPI document is made of these. */
export interface Route<TSchema extends v.GenericSchema | undefined = v.GenericSchema | undefined> {
  readonly method: "get" | "post" | "delete";
  /** As Hono writes it, e.g. `/v1/models/:model`. */
  readonly path: string;
  readonly summary: string;
  /** Who may call it; `"anyone"` needs no key. */
  readonly role: "anyone" | "user" | "admin" | "metrics";
  readonly body?: TSchema;
  /** The form of a body that is no JSON but a multipart form, which `handle` reads itself. */
  readonly form?: v.GenericSchema;
  /** Puts other names for its fields where they belong, before it is checked. */
  readonly prepareBody?: (body: unknown) => unknown;
  /** Where its body says what the library has another name for. */
  readonly sentNames?: SentNames;
  /** Most bytes of its body. Default: the server's. */
  readonly bodyLimit?: number;
  /** The form of its answer; none where it is no JSON. */
  readonly answer?: v.GenericSchema;
  /** The media type of an answer that is no JSON. */
  readonly answerType?: string;
  /** The form of its events, where its answer may be a stream of server-sent events. */
  readonly event?: EventForm;
  /** What a failure is told as, where it is not OpenAI's error object. */
  readonly problemBody?: (problem: Problem, id: string) => object;
  /** The form of that. */
  readonly problemForm?: v.GenericSchema;
  /**
   * Resolves with the answer, or with nothing where it has written one itself.
   *
   * @throws Problem, or an error of the engine's
   */
  // Methods are compared leniently: routes of different bodies share a list.
  handle(
    call: Call<TSchema extends v.GenericSchema ? v.InferOutput<TSchema> : undefined>,
  ): Promise<object | void> | object;
}

/** Keeps the type of its body. */
export function route<const TSchema extends v.GenericSchema | undefined = undefined>(
  definition: Route<TSchema>,
): Route {
  return definition;
}
