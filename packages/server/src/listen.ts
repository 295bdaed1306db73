import { createServer as createHttp, type RequestListener, type Server } from "node:http";
import { createServer as createHttps, type ServerOptions as TlsOptions } from "node:https";
import type { AddressInfo } from "node:net";
import { refuseUnguarded } from "./people/exposure.js";
import { createService, type Service, type ServiceOptions } from "./service.js";

/** Where the calls of administrators are, apart from the others: a port, or the path of a Unix socket. */
export interface AdminPlace {
  /** Default `"127.0.0.1"`: this host alone. */
  host?: string;
  /** 0: one that is free. */
  port?: number;
  socket?: string;
}

export interface ListenOptions extends Omit<ServiceOptions, "adminApart"> {
  /** Default `"127.0.0.1"`: this host alone. */
  host?: string;
  /** Default 8080; 0: one that is free. */
  port?: number;
  /** Path of a Unix socket, instead of host and port. */
  socket?: string;
  /**
   * Where calls of the roles admin and metrics are; they are then not at the place above. It has the same TLS. Default: all at one place.
   */
  admin?: AdminPlace;
  /**
   * Whether everybody who reaches it may use it, where it listens to other hosts without `keys` and without asking for
   * clients' certificates. Default false: that is refused.
   */
  open?: boolean;
  /** Certificate and key in PEM, and whose clients' certificates are asked for. Default: no TLS. */
  tls?: Pick<TlsOptions, "cert" | "key" | "ca" | "requestCert" | "rejectUnauthorized" | "passphrase" | "minVersion">;
  /** How long running requests may take at the end. Default 30 s. */
  drainMs?: number;
}

/** A server that listens. */
export interface Listening {
  readonly service: Service;
  /** E.g. `http://127.0.0.1:8080`; the path of a Unix socket. */
  readonly url: string;
  /** Where calls of administrators are, where that is another place. */
  readonly adminUrl: string | undefined;
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
 * @throws MedInferError (rejects) `INVALID_ARGUMENT` where other hosts could use it without a key, see `open`, or the file of
 * keys is wrong
 */
export async function listen(options: ListenOptions): Promise<Listening> {
  const { host, port = 8080, socket, admin, tls, drainMs = 30_000 } = options;
  refuseUnguarded(options);
  const service = createService({ ...options, adminApart: admin !== undefined });
  const servers: Server[] = [];
  const open = async (listener: RequestListener, place: AdminPlace) => {
    const server = serverOf(listener, tls);
    await accept(server, place);
    servers.push(server);
    return urlOf(server, tls !== undefined);
  };
  try {
    const url = await open(service.listener, { host, port, socket });
    const adminUrl = service.adminListener && (await open(service.adminListener, admin!));
    let closing: Promise<void> | undefined;
    return {
      service,
      url,
      adminUrl,
      close() {
        if (closing !== undefined) for (const server of servers) server.closeAllConnections();
        closing ??= close(servers, service, drainMs);
        return closing;
      },
    };
  } catch (error) {
    await close(servers, service, 0);
    throw error;
  }
}

function serverOf(listener: RequestListener, tls: ListenOptions["tls"]): Server {
  const limits = { headersTimeout: HEADERS_MS, requestTimeout: REQUEST_MS, keepAliveTimeout: KEEP_ALIVE_MS };
  return tls === undefined ? createHttp(limits, listener) : createHttps({ ...limits, ...tls }, listener);
}

function accept(server: Server, { host = "127.0.0.1", port = 0, socket }: AdminPlace): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    const ready = () => {
      server.off("error", reject);
      resolve();
    };
    if (socket !== undefined) server.listen(socket, ready);
    else server.listen(port, host, ready);
  });
}

async function close(servers: readonly Server[], service: Service, drainMs: number): Promise<void> {
  service.drain();
  const closed = Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  // A connection that was told to stay open waits for another request when its answer is done.
  const idle = setInterval(() => servers.forEach((server) => server.closeIdleConnections()), LOOK_MS);
  if (!(await within(closed, drainMs))) {
    service.abort();
    if (!(await within(closed, LAST_EVENTS_MS))) for (const server of servers) server.closeAllConnections();
  }
  clearInterval(idle);
  await service.close();
}

/** Whether it is done in time. */
async function within(work: Promise<unknown>, ms: number): Promise<boolean> {
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
