import { randomUUID } from "node:crypto";
import { setMaxListeners } from "node:events";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import type { HttpBindings } from "@hono/node-server";
import { Hono, type Context } from "hono";
import { check } from "./http/check.js";
import { applyCors, type CorsOptions } from "./http/cors.js";
import { problemOf } from "./http/engine-problem.js";
import { endingProblem, Problem } from "./http/problem.js";
import { readJson } from "./http/read-body.js";
import type { Call, Route } from "./http/route.js";
import { slowReaderProblem, watchReader } from "./http/slow-reader.js";
import { toldProblem } from "./http/told-problem.js";
import { wordsOf } from "./openapi/words.js";
import type { People } from "./people/people.js";
import type { Principal } from "./people/principal.js";
import type { Recorder, Unknown } from "./telemetry/recorder.js";

export interface AppOptions {
  routes: readonly Route[];
  authorize: People["authorize"];
  recorder: Recorder;
  /** Whether new requests are taken; those of no role, such as health, always are. */
  takesRequests: () => boolean;
  /** Aborted where what still runs is to end; its reason is the problem that it ends with. */
  ending: AbortSignal;
  cors: CorsOptions;
  /** Most milliseconds for which a client may read nothing of what waits for it; 0: any. */
  readPatienceMs: number;
  /** Most bytes of a body, where its route says nothing. */
  bodyLimit: number;
}

type Env = { Bindings: HttpBindings };

/** A Hono app of these routes. It writes to Node's response, so it has to run on Node, behind `@hono/node-server`. */
export function makeApp(options: AppOptions): Hono<Env> {
  const { routes, authorize, recorder, takesRequests, ending, cors, bodyLimit, readPatienceMs } = options;
  const words = wordsOf(routes);
  setMaxListeners(0, ending); // one for each running request
  const app = new Hono<Env>();
  const unrouted = (c: Context<Env>, problem: Problem, route?: Route) => {
    recorder.refused(unknown(c), undefined, problem);
    return failure(c, problem, route);
  };
  app.use(async (c, next) => {
    if (c.env?.outgoing === undefined) throw new Error("the app runs on Node alone: serve it with @hono/node-server");
    c.env.outgoing.setHeader("x-request-id", idOf(c));
    if (applyCors(cors, c.env.incoming, c.env.outgoing)) return c.body(null, 204);
    await next();
  });
  for (const each of routes) {
    app.on(each.method, each.path, async (c) => {
      const { incoming, outgoing } = c.env;
      const ender = enderOf(outgoing, ending);
      let who: Principal;
      try {
        if (each.role !== "anyone" && !takesRequests()) throw endingProblem();
        who = authorize(incoming.headers.authorization ?? apiKeyOf(c), each.role, incoming);
      } catch (error) {
        recorder.refused(unknown(c), each, problemOf(error));
        throw error;
      }
      let sent: unknown;
      const call: Omit<Call, "body"> & { body?: unknown } = {
        id: String(outgoing.getHeader("x-request-id")),
        params: c.req.param(),
        query: new URL(c.req.url).searchParams,
        who,
        signal: ender.signal,
        incoming,
        outgoing,
        problemOf: (error) => (ending.aborted ? endingProblem() : toldProblem(error, { sent, route: each, words })),
      };
      if (readPatienceMs > 0) {
        watchReader(outgoing, readPatienceMs, () => {
          const problem = slowReaderProblem(readPatienceMs);
          recorder.failed(call as Call, problem, undefined);
          ender.abort(problem);
          outgoing.destroy();
        });
      }
      try {
        recorder.arrived(call as Call, each);
        if (each.body !== undefined) {
          sent = await readJson(incoming, each.bodyLimit ?? bodyLimit);
          call.body = check(each.body, each.prepareBody?.(sent) ?? sent);
        }
        const answer = await each.handle(call as Call<undefined>);
        return answer === undefined ? RESPONSE_ALREADY_SENT : c.json(answer);
      } catch (error) {
        const problem = call.problemOf(error);
        recorder.failed(call as Call, problem, error);
        return failure(c, problem, each);
      } finally {
        recorder.left(call as Call);
      }
    });
  }
  for (const [path, methods] of methodsByPath(routes)) {
    app.all(path, (c) => {
      const allow = methods.map((method) => method.toUpperCase()).join(", ");
      const problem = new Problem(405, "method_not_allowed", `this path takes ${allow}`, { headers: { allow } });
      return unrouted(c, problem, formOf(routes, c));
    });
  }
  app.notFound((c) =>
    unrouted(
      c,
      new Problem(404, "unknown_path", "there is no such path: GET /openapi.json lists all"),
      formOf(routes, c),
    ),
  );
  // Also of a key that is refused: in the form of its route.
  app.onError((error, c) => failure(c, problemOf(error), formOf(routes, c)));
  return app;
}

function unknown({ env: { incoming, outgoing } }: Context<Env>): Unknown {
  return { id: String(outgoing.getHeader("x-request-id")), incoming, outgoing };
}

function failure(c: Context<Env>, problem: Problem, route?: Route): Response {
  const { outgoing } = c.env;
  // The client is gone, or has been told in its stream.
  if (outgoing.headersSent || outgoing.destroyed) return RESPONSE_ALREADY_SENT;
  const body = route?.problemBody?.(problem, String(outgoing.getHeader("x-request-id"))) ?? problem.body;
  return c.json(body, problem.status as 400, { ...problem.headers });
}

/** The route whose form a failure outside of it has: of a path that does not exist, that above it. */
function formOf(routes: readonly Route[], { req }: Context<Env>): Route | undefined {
  const own = routes.find(({ path }) => path === req.path);
  return own ?? routes.find(({ path, problemBody }) => problemBody !== undefined && req.path.startsWith(`${path}/`));
}

/** Aborted when the client is gone before its answer is whole, or the server ends. (`AbortSignal.any` would keep each.) */
function enderOf(outgoing: HttpBindings["outgoing"], ending: AbortSignal): AbortController {
  const controller = new AbortController();
  const abort = () => controller.abort(ending.reason);
  ending.addEventListener("abort", abort, { once: true });
  outgoing.once("close", () => {
    ending.removeEventListener("abort", abort);
    if (!outgoing.writableFinished) controller.abort();
  });
  return controller;
}

/** The client's own, where it is one that a log can hold. */
function idOf(c: Context<Env>): string {
  const given = c.env.incoming.headers["x-request-id"];
  return typeof given === "string" && /^[\w.:-]{1,128}$/.test(given) ? given : randomUUID();
}

/** Anthropic's clients send their key so. */
function apiKeyOf(c: Context<Env>): string | undefined {
  const key = c.env.incoming.headers["x-api-key"];
  return typeof key === "string" ? `Bearer ${key}` : undefined;
}

function methodsByPath(routes: readonly Route[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { path, method } of routes) found.set(path, [...(found.get(path) ?? []), method]);
  return found;
}
