import { createServer as createHttp, type Server } from "node:http";
import { createServer as createHttps, type ServerOptions as TlsOptions } from "node:https";
import type { AddressInfo } from "node:net";
import { createService, type Service, type ServiceOptions } from "./service.js";

export interface ListenOptions extends ServiceOptions {
  /** Default `"127.0.0.1"`: this host alone. */
  host?: string;
  /** Default 8080; 0: one that is free. */
  port?: number;
  /** Path of a Unix socket, instead of host and port. */
  socket?: string;
  /** Certificate and key in PEM, and whose clients' certificates are asked for. Default: no TLS. */
  tls?: Pick<TlsOptions, "cert" | "key" | "ca" | "requestCert" | "rejectUnauthorized" | "passphrase" | "minVersion">;
  /** How long running requests may take at the end. Default 30 s. */
  drainMs?: number;
}

/** A server that listens. */
export interface Listening {
  readonly service: Service;
  /** E.g. `http://127.0.0.1:8080`. */
  readonly url: string;
  /**
   * Stops accepting, lets running requests finish for as long as `drainMs` allows, ends the others with an error event, and
   * unloads the models. A second call waits for nothing.
   */
  close(): Promise<void>;
}

/** Headers have to come within so long: a thousand connections that say nothing hold no memory for longer. */
const HEADERS_MS = 20_000;
/** Bodies too. */
const REQUEST_MS = 300_000;
/** Longer than proxies keep a connection, which else send a request into one that is being closed. */
const KEEP_ALIVE_MS = 75_000;
/** Between the error events of the last requests and their sockets' end. */
const LAST_EVENTS_MS = 2000;
const LOOK_MS = 100;

/**
 * Serves models alone, without a framework around.
 *
 * Resolves when it accepts connections; `service.start()` then loads what is to be kept loaded, while health answers.
 *
 * @throws Error (rejects) as Node's `listen` does, e.g. with the code `EADDRINUSE`
 */
export async function listen(options: ListenOptions): Promise<Listening> {
  const { host = "127.0.0.1", port = 8080, socket, tls, drainMs = 30_000 } = options;
  const service = createService(options);
  const limits = { headersTimeout: HEADERS_MS, requestTimeout: REQUEST_MS, keepAliveTimeout: KEEP_ALIVE_MS };
  const server: Server =
    tls === undefined ? createHttp(limits, service.listener) : createHttps({ ...limits, ...tls }, service.listener);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    const ready = () => {
      server.off("error", reject);
      resolve();
    };
    if (socket !== undefined) server.listen(socket, ready);
    else server.listen(port, host, ready);
  });
  let closing: Promise<void> | undefined;
  return {
    service,
    url: urlOf(server, tls !== undefined),
    close() {
      if (closing !== undefined) server.closeAllConnections();
      closing ??= close(server, service, drainMs);
      return closing;
    },
  };
}

async function close(server: Server, service: Service, drainMs: number): Promise<void> {
  service.drain();
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  // A connection that was told to stay open waits for another request when its answer is done.
  const idle = setInterval(() => server.closeIdleConnections(), LOOK_MS);
  if (!(await within(closed, drainMs))) {
    service.abort();
    if (!(await within(closed, LAST_EVENTS_MS))) server.closeAllConnections();
  }
  clearInterval(idle);
  await service.close();
}

/** Whether it is done in time. */
async function within(work: Promise<void>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => (timer = setTimeout(() => resolve(false), ms)));
  try {
    return await Promise.race([work.then(() => true as const), late]);
  } finally {
    clearTimeout(timer);
  }
}

function urlOf(server: Server, secure: boolean): string {
  const address = server.address() as AddressInfo | string;
  if (typeof address === "string") return address;
  const name = address.family === "IPv6" ? `[${address.address}]` : address.address;
  return `${secure ? "https" : "http"}://${name}:${address.port}`;
}
