import inject from "light-my-request";
import { setTimeout as sleep } from "node:timers/promises";
import { check } from "../http/check.js";
import { problemOf } from "../http/engine-problem.js";
import { Problem } from "../http/problem.js";
import type { Call, Route } from "../http/route.js";
import type { Principal } from "../people/principal.js";

/** What a request was answered with. */
export interface LineAnswer {
  status: number;
  body: unknown;
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
export async function runLine(
  route: Route,
  body: Record<string, unknown>,
  { id, who, signal }: Pick<Call, "id" | "who" | "signal">,
): Promise<LineAnswer> {
  const begun = performance.now();
  for (;;) {
    signal.throwIfAborted();
    const answer = await once(route, body, { id, who, signal });
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
  { id, who, signal }: { id: string; who: Principal; signal: AbortSignal },
): Promise<LineAnswer | Problem> {
  let failure: unknown;
  try {
    if (sent.stream === true) {
      throw new Problem(400, "invalid_value", "stream must not be true in a batch", { param: "stream" });
    }
    const ranked = takesPriority(route) ? { priority: PRIORITY, ...sent } : sent;
    const body: unknown = route.body === undefined ? ranked : check(route.body, route.prepareBody?.(ranked) ?? ranked);
    const response = await inject(
      (incoming, outgoing) => {
        const asked = { id, body, params: {}, query: new URLSearchParams(), who, signal };
        const call: Call = { ...asked, incoming, outgoing, problemOf };
        const fail = (error: unknown) => {
          failure = error;
          if (outgoing.headersSent) outgoing.destroy();
          else outgoing.writeHead(500).end();
        };
        const answer = async () => {
          const value = await route.handle(call);
          if (value !== undefined) outgoing.end(JSON.stringify(value));
        };
        answer().catch(fail);
      },
      { method: "POST", url: route.path },
    );
    if (failure !== undefined) return problemOf(failure);
    return { status: response.statusCode, body: JSON.parse(response.payload) as unknown };
  } catch (error) {
    return problemOf(failure ?? error);
  }
}

function takesPriority({ body }: Route): boolean {
  const { entries } = (body ?? {}) as { entries?: Record<string, unknown> };
  return entries !== undefined && "priority" in entries;
}
