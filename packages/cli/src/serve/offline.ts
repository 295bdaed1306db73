import dgram from "node:dgram";
import dns from "node:dns";
import net from "node:net";
import { MedInferError } from "medinfer";

/**
 * From now on no code of this process opens a connection, sends a datagram or asks a name server, whatever it is: what is wanted
 * fails. Connections that come in are not touched.
 */
export function refuseConnections(): void {
  const refuse = (): never => {
    throw new MedInferError("INVALID_ARGUMENT", "a connection was to be opened, and --offline forbids it");
  };
  net.Socket.prototype.connect = refuse;
  dgram.Socket.prototype.send = refuse;
  dgram.Socket.prototype.connect = refuse;
  // The address to listen on may be a name: those of this host are numbers.
  const { lookup } = dns;
  dns.lookup = Object.assign(
    ((name: string, ...rest: unknown[]) => {
      if (net.isIP(name) === 0 && name !== "localhost") refuse();
      return (lookup as (...all: unknown[]) => void)(name, ...rest);
    }) as typeof dns.lookup,
    { __promisify__: lookup.__promisify__ },
  );
}
