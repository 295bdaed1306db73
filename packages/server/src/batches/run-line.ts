import inject from "light-my-request";
import { setTimeout as sleep } from "node:timers/promises";
import { check } from "../http/check.js";
import { Problem } from "../http/problem.js";
import type { Call, Route } from "../http/route.js";
import { toldProblem } from "../http/told-problem.js";
import type { Recorder } from "../telemetry/recorder.js";

/** What a request was answered with. */
export interface LineAnswer {
  status: number;
  body: unknown;
}

/** Who asks, and who is told of it. The signal is aborted with a Problem. */
export interface Asked extends Pick<Call, "id" | "who" | "signal"> {
  recorder: Recorder;
  /** Words of the API, which errors may quote. */
  words: ReadonlySet<string>;
}

/** Requests of a batch let others go first. */
const PRIORITY = -100;
/** How long a line waits for a server that is busy, or loads its model. */
const PATIENCE_MS = 10 * 60_000;

/**
 * Answers one request as its route would over HTTP, without a socket. While the server is busy it asks again.
 *
 * @throws what `signal` is aborted with (rejects): then it was not answered
 */
export async function runLine(route: Route, body: Record<string, unknown>, asked: Asked): Promise<LineAnswer> {
  const { signal } = asked;
  const begun = performance.now();
  for (;;) {
    signal.throwIfAborted();
    const answer = await once(route, body, asked);
    signal.throwIfAborted();
    const busy = answer instanceof Problem && (answer.status === 429 || answer.status === 503);
    const hopeless = answer instanceof Problem && answer.headers["x-should-retry"] === "false";
    if (busy && !hopeless && performance.now() - begun < PATIENCE_MS) {
      const seconds = Number(answer.headers["retry-after"]) || 1;
      await sleep(1000 * seconds, undefined, { signal });
    } else return answer instanceof Problem ? { status: answer.status, body: answer.body } : answer;
  }
}

async function once(
  route: Route,
  sent: Record<string, unknown>,
  { id, who, signal, recorder, words }: Asked,
): Promise<LineAnswer | Problem> {
  // However the work was ended, why it was is the batch's.
  const problem = (error: unknown) =>
    signal.reason instanceof Problem ? signal.reason : toldProblem(error, { sent, route, words });
  let failure: unknown;
  try {
    const response = await inject(
      (incoming, outgoing) => {
        const asked = { id, body: undefined as unknown, params: {}, query: new URLSearchParams(), who, signal };
        const call = { ...asked, incoming, outgoing, problemOf: problem };
        const answer = async () => {
          recorder.arrived(call, route);
          call.body = checked(route, sent);
          const value = await route.handle(call);
          if (value !== undefined) outgoing.end(JSON.stringify(value));
        };
        const fail = (error: unknown) => {
          failure = error;
          const told = problem(error);
          recorder.failed(call, told, error);
          if (outgoing.headersSent) outgoing.destroy();
          else outgoing.writeHead(told.status).end();
        };
        void answer()
          .catch(fail)
          .finally(() => recorder.left(call));
      },
      { method: "POST", url: route.path },
    );
    if (failure !== undefined) return problem(failure);
    return { status: response.statusCode, body: JSON.parse(response.payload) as unknown };
  } catch (error) {
    return problem(failure ?? error);
  }
}

/** The body as its route takes it. @throws Problem 400 */
function checked(route: Route, sent: Record<string, unknown>): unknown {
  if (sent.stream === true) {
    throw new Problem(400, "invalid_value", "stream must not be true in a batch", { param: "stream" });
  }
  const ranked = takesPriority(route) ? { priority: PRIORITY, ...sent } : sent;
  return route.body === undefined ? ranked : check(route.body, route.prepareBody?.(ranked) ?? ranked);
}

function takesPriority({ body }: Route): boolean {
  const { entries } = (body ?? {}) as { entries?: Record<string, unknown> };
  return entries !== undefined && "priority" in entries;
}
