import { randomBytes } from "node:crypto";
import type { RequestListener } from "node:http";
import { getRequestListener, type HttpBindings } from "@hono/node-server";
import type { Hono } from "hono";
import { makeApp } from "./app.js";
import { storedWork, type StoredWorkOptions } from "./batches/stored-work.js";
import { chatRoute } from "./chat/chat-route.js";
import { decisionRoute } from "./decisions/decision-route.js";
import { embeddingsRoute } from "./embeddings/embeddings-route.js";
import { healthRoutes } from "./health-routes.js";
import type { CorsOptions } from "./http/cors.js";
import type { Route } from "./http/route.js";
import { streamRoute } from "./http/stream-route.js";
import { inlineImages } from "./images/image-reader.js";
import { WebImages, type WebImageOptions } from "./images/web-images.js";
import { modelCallRoutes } from "./model-calls/model-calls-routes.js";
import type { ModelConfig } from "./models/model-config.js";
import { ModelPool, type ModelPoolOptions } from "./models/model-pool.js";
import { modelRoutes } from "./models/model-routes.js";
import { documentRoute } from "./openapi/document-route.js";
import { openAdmission } from "./people/admission.js";
import type { Principal } from "./people/principal.js";
import { rerankRoutes } from "./rerank/rerank-route.js";
import { Serving } from "./serving.js";
import { noRecorder } from "./telemetry/recorder.js";
import { renderRoutes } from "./tokens/render-routes.js";
import { tokenRoutes } from "./tokens/token-routes.js";

export interface ServiceOptions extends ModelPoolOptions, Partial<StoredWorkOptions> {
  models: readonly ModelConfig[];
  cors?: CorsOptions;
  /** Most bytes of a request's body. Default 32 MiB. */
  bodyLimit?: number;
  /** Tokens of an answer whose request names no limit. Default 4096. */
  defaultMaxTokens?: number;
  /** Whether images may be given as URLs of web servers, and which. Default false: the server opens no connection. */
  imageUrls?: boolean | WebImageOptions;
  /** Most milliseconds of an answer. Default 10 minutes. */
  timeLimitMs?: number;
}

/** medinfer over HTTP, to be mounted in a server of yours. */
export interface Service {
  /** For a Hono app on Node: `yours.route("/", service.app)`. */
  readonly app: Hono<{ Bindings: HttpBindings }>;
  /** For `http.createServer`, Express and, behind `reply.hijack()`, Fastify. */
  readonly listener: RequestListener;
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

/** @throws RangeError where two models have one name */
export function createService(options: ServiceOptions): Service {
  const { imageUrls = false } = options;
  const models = new ModelPool(options.models, options);
  const ending = new AbortController();
  const draining = new AbortController();
  let state: "starting" | "ready" | "draining" = "starting";
  const serving = new Serving({
    models,
    images: imageUrls ? new WebImages(imageUrls === true ? {} : imageUrls) : inlineImages,
    admission: openAdmission,
    recorder: noRecorder,
    limits: { defaultMaxTokens: options.defaultMaxTokens ?? 4096, timeLimitMs: options.timeLimitMs ?? 600_000 },
  });
  const everybody: Principal = {
    key: "none",
    tenant: "default",
    roles: new Set(["user", "admin", "metrics"]),
    cacheSalt: randomBytes(16).toString("hex"),
  };
  const routes: Route[] = [
    ...healthRoutes(() => state === "ready"),
    ...modelRoutes(serving),
    chatRoute(serving),
    embeddingsRoute(serving),
    ...rerankRoutes(serving),
    decisionRoute(serving),
    ...tokenRoutes(serving),
    ...renderRoutes(serving),
    ...modelCallRoutes(serving, draining.signal),
    streamRoute(serving.streams),
  ];
  const { filesFolder, fileLimit, batchConcurrency } = options;
  const stored =
    filesFolder === undefined
      ? undefined
      : storedWork({ filesFolder, fileLimit, batchConcurrency }, routes, (tenant) => ({ ...everybody, tenant }));
  routes.push(...(stored?.routes ?? []));
  routes.push(documentRoute(routes));
  const app = makeApp({
    routes,
    takesRequests: () => state !== "draining",
    ending: ending.signal,
    authorize: () => everybody,
    recorder: noRecorder,
    cors: options.cors ?? {},
    bodyLimit: options.bodyLimit ?? 32 * 2 ** 20,
  });
  const answer = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  return {
    app,
    listener: (incoming, outgoing) => void answer(incoming, outgoing),
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
      ending.abort();
    },
    async close() {
      state = "draining";
      draining.abort();
      ending.abort();
      await stored?.queue.close();
      await models.close();
    },
  };
}
