import type { RequestListener } from "node:http";
import { getRequestListener, type HttpBindings } from "@hono/node-server";
import type { Hono } from "hono";
import { makeApp } from "./app.js";
import { storedWork, type StoredWorkOptions } from "./batches/stored-work.js";
import { chatRoute } from "./chat/chat-route.js";
import { checkLimits } from "./check-limits.js";
import { completionRoute } from "./completions/completion-route.js";
import { decisionRoute } from "./decisions/decision-route.js";
import { embeddingsRoute } from "./embeddings/embeddings-route.js";
import { healthRoutes } from "./health-routes.js";
import type { CorsOptions } from "./http/cors.js";
import type { EventForm, Route } from "./http/route.js";
import { endingProblem } from "./http/problem.js";
import { streamRoute } from "./http/stream-route.js";
import { DocumentPages } from "./documents/document-pages.js";
import { inlineImages } from "./images/image-reader.js";
import { RequestImages } from "./images/request-images.js";
import { WebImages, type WebImageOptions } from "./images/web-images.js";
import { messagesRoutes } from "./messages/messages-routes.js";
import { modelCallRoutes } from "./model-calls/model-calls-routes.js";
import type { ModelConfig } from "./models/model-config.js";
import { ModelPool, type ModelPoolOptions } from "./models/model-pool.js";
import { modelRoutes } from "./models/model-routes.js";
import { documentRoute } from "./openapi/document-route.js";
import { everybody, holdersOf } from "./people/people.js";
import { rerankRoutes } from "./rerank/rerank-route.js";
import { responseRoutes } from "./responses/response-routes.js";
import { Serving } from "./serving.js";
import { createTelemetry, type TelemetryOptions } from "./telemetry/telemetry.js";
import { renderRoutes } from "./tokens/render-routes.js";
import { tokenRoutes } from "./tokens/token-routes.js";

export interface ServiceOptions extends ModelPoolOptions, TelemetryOptions, Partial<StoredWorkOptions> {
  models: readonly ModelConfig[];
  /**
   * The file of keys, read again when it changes: see docs/guide/server-security.md. Default: nobody needs a key, and all are
   * one tenant.
   */
  keys?: string;
  /** Whether calls of the roles admin and metrics are on `adminListener` alone. Default false. */
  adminApart?: boolean;
  cors?: CorsOptions;
  /** Most bytes of a request's body. Default 32 MiB. */
  bodyLimit?: number;
  /** Tokens of an answer whose request names no limit: 1 or more. Default 4096. */
  defaultMaxTokens?: number;
  /** Whether images may be given as URLs of web servers, and which. Default false: the server opens no connection. */
  imageUrls?: boolean | WebImageOptions;
  /** Whether responses are kept in memory for an hour, so that later ones go on from them. Default false. */
  responseState?: boolean;
  /** Most milliseconds of an answer: 1 or more. Default 10 minutes. */
  timeLimitMs?: number;
  /**
   * Most milliseconds for which a client may take no byte of what waits for it: then its request ends, and its connection is
   * broken off. 0: it may hold its places for ever. Default 2 minutes.
   */
  readPatienceMs?: number;
}

/** medinfer over HTTP, to be mounted in a server of yours. */
export interface Service {
  /** For a Hono app on Node: `yours.route("/", service.app)`. */
  readonly app: Hono<{ Bindings: HttpBindings }>;
  /** For `http.createServer`, Express and, behind `reply.hijack()`, Fastify. */
  readonly listener: RequestListener;
  /** The calls of the roles admin and metrics, where they are apart; health and the document of the API beside them. */
  readonly adminListener: RequestListener | undefined;
  readonly models: ModelPool;
  /** Loads the models that are to be kept loaded; resolves when it is ready. */
  start(): Promise<void>;
  /** From now on it says that it is not ready, and takes no new request. */
  drain(): void;
  /** Ends what still runs, with an error that says why. */
  abort(): void;
  /** Ends what still runs, and unloads all models. */
  close(): Promise<void>;
}

/**
 * @throws RangeError where two models have one name
 * @throws MedInferError `INVALID_ARGUMENT` where a limit of answers is no positive number, or the file of keys, the audit log or the folder of files cannot be used, or
 * is wrong
 */
export function createService(options: ServiceOptions): Service {
  const { imageUrls = false, keys, adminApart = false, defaultMaxTokens = 4096, timeLimitMs = 600_000 } = options;
  const limits = { defaultMaxTokens, timeLimitMs };
  checkLimits(limits);
  const models = new ModelPool(options.models, options);
  const telemetry = createTelemetry(options, models);
  const { recorder } = telemetry;
  const people = keys === undefined ? everybody() : holdersOf(keys, telemetry.warn);
  const ending = new AbortController();
  const draining = new AbortController();
  let state: "starting" | "ready" | "draining" = "starting";
  const documents = new DocumentPages();
  const urls = imageUrls ? new WebImages(imageUrls === true ? {} : imageUrls) : inlineImages;
  const serving = new Serving({
    models,
    images: new RequestImages(urls, documents),
    admission: people.admission,
    recorder,
    limits,
  });
  const routes: Route[] = [
    ...healthRoutes(() => state === "ready"),
    ...modelRoutes(serving),
    chatRoute(serving),
    completionRoute(serving),
    ...messagesRoutes(serving),
    ...responseRoutes(serving, options.responseState ?? false),
    embeddingsRoute(serving),
    ...rerankRoutes(serving),
    decisionRoute(serving),
    ...tokenRoutes(serving),
    ...renderRoutes(serving),
    ...modelCallRoutes(serving, draining.signal),
    ...people.routes,
    ...telemetry.routes,
  ];
  routes.push(streamRoute(serving.streams, resumableEvents(routes)));
  const { filesFolder, fileLimit, filesQuota, batchConcurrency } = options;
  const stored =
    filesFolder === undefined
      ? undefined
      : storedWork({ filesFolder, fileLimit, filesQuota, batchConcurrency }, routes, {
          principalOf: people.onBehalfOf,
          recorder,
        });
  routes.push(...(stored?.routes ?? []));
  const appOf = (some: readonly Route[]) =>
    makeApp({
      routes: [...some, documentRoute(some)],
      takesRequests: () => state !== "draining",
      ending: ending.signal,
      authorize: people.authorize,
      recorder,
      cors: options.cors ?? {},
      bodyLimit: options.bodyLimit ?? 32 * 2 ** 20,
      readPatienceMs: options.readPatienceMs ?? 120_000,
    });
  const ofAdmin = ({ role }: Route) => role === "admin" || role === "metrics";
  const app = appOf(adminApart ? routes.filter((each) => !ofAdmin(each)) : routes);
  const adminApp = adminApart ? appOf(routes.filter((each) => ofAdmin(each) || each.role === "anyone")) : undefined;
  return {
    app,
    listener: listenerOf(app),
    adminListener: adminApp && listenerOf(adminApp),
    models,
    async start() {
      await stored?.queue.start();
      await models.start();
      if (state === "starting") state = "ready";
    },
    drain() {
      state = "draining";
      draining.abort();
      stored?.queue.pause();
    },
    abort() {
      ending.abort(endingProblem());
    },
    async close() {
      state = "draining";
      draining.abort();
      ending.abort(endingProblem());
      people.close();
      await stored?.queue.close();
      stored?.release();
      await models.close();
      await documents.close();
      await telemetry.close();
    },
  };
}

/** The forms of events of streams that outlive their connections. */
function resumableEvents(routes: readonly Route[]): EventForm[] {
  return routes.flatMap(({ body, event }) => {
    const { entries = {} } = (body ?? {}) as { entries?: object };
    return event !== undefined && "resumable" in entries ? [event] : [];
  });
}

function listenerOf(app: Service["app"]): RequestListener {
  const answer = getRequestListener(app.fetch, {
    overrideGlobalObjects: false,
    // Of HTTP/1.0, which probes of load balancers speak, and which need not name one.
    hostname: "localhost",
  });
  return (incoming, outgoing) => void answer(incoming, outgoing);
}
