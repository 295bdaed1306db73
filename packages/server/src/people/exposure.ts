import ipaddr from "ipaddr.js";
import { MedInferError } from "medinfer";

interface Place {
  host?: string;
  socket?: string;
}

interface Exposure extends Place {
  admin?: Place;
  open?: boolean;
  keys?: string;
  tls?: { ca?: unknown; requestCert?: boolean; rejectUnauthorized?: boolean };
}

/** @throws MedInferError `INVALID_ARGUMENT` where hosts could use it that have no key, and nobody said that they may */
export function refuseUnguarded({ host, socket, admin, open = false, keys, tls }: Exposure): void {
  const asksForCertificates = tls?.requestCert === true && tls.rejectUnauthorized !== false && tls.ca !== undefined;
  if (open || keys !== undefined || asksForCertificates) return;
  for (const place of [{ host, socket }, admin ?? {}]) {
    if (place.socket !== undefined || place.host === undefined || isLoopback(place.host)) continue;
    throw new MedInferError(
      "INVALID_ARGUMENT",
      "other hosts could use this server without a key: name a file of keys (keys, --keys), or say that everybody may use it " +
        "(open: true, --open)",
    );
  }
}

/** Names other than localhost may mean any address. */
function isLoopback(host: string): boolean {
  if (host === "localhost") return true;
  return ipaddr.isValid(host) && ipaddr.process(host).range() === "loopback";
}
