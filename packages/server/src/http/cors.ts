import type { IncomingMessage, ServerResponse } from "node:http";

export interface CorsOptions {
  /** Origins whose pages may read answers, e.g. `https://chat.hospital.example`; `"*"`: any. Default none. */
  origins?: readonly string[];
  /** Whether pages of public sites may reach this server in a private network, where their browser asks. Default false. */
  allowPrivateNetwork?: boolean;
}

const EXPOSED = [
  "x-request-id",
  "x-medinfer-note",
  "retry-after",
  "retry-after-ms",
  "x-should-retry",
  ...["limit", "remaining", "reset"].flatMap((each) => [`x-ratelimit-${each}-requests`, `x-ratelimit-${each}-tokens`]),
].join(", ");
const PREFLIGHT_SECONDS = "600";

/**
 * Sets the headers by which a browser lets pages of other origins read the answer. Allowed headers are those that were asked
 * for: `*` never covers Authorization. Credentials are cookies, which this server has none of.
 *
 * @returns whether it is a preflight, which is answered with these headers alone
 */
export function applyCors(
  { origins = [], allowPrivateNetwork = false }: CorsOptions,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): boolean {
  const { origin, "access-control-request-method": asked } = incoming.headers;
  const preflight = incoming.method === "OPTIONS" && asked !== undefined;
  if (origins.length === 0) return preflight;
  const any = origins.includes("*");
  // Also of an answer to nobody's page: a cache must not give it to one.
  if (!any) outgoing.appendHeader("vary", "Origin");
  if (origin === undefined || (!any && !origins.includes(origin))) return preflight;
  outgoing.setHeader("access-control-allow-origin", any ? "*" : origin);
  outgoing.setHeader("access-control-expose-headers", EXPOSED);
  if (!preflight) return false;
  const headers = incoming.headers["access-control-request-headers"];
  outgoing.appendHeader("vary", "Access-Control-Request-Headers, Access-Control-Request-Method");
  outgoing.setHeader("access-control-allow-methods", "GET, POST, DELETE");
  if (headers !== undefined) outgoing.setHeader("access-control-allow-headers", headers);
  outgoing.setHeader("access-control-max-age", PREFLIGHT_SECONDS);
  if (allowPrivateNetwork && incoming.headers["access-control-request-private-network"] === "true") {
    outgoing.setHeader("access-control-allow-private-network", "true");
  }
  return true;
}
