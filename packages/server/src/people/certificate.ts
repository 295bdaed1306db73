import type { IncomingMessage } from "node:http";
import type { TLSSocket } from "node:tls";

/** The attributes of a subject, sorted: `"CN=ward-3, O=Hospital"` as RFC 2253 writes it, with `\,` for a comma in a value. */
export function subjectParts(subject: string): string[] {
  return subject
    .split(/(?<!\\),/)
    .map((part) => part.trim())
    .sort();
}

/** The attributes of the client's certificate, sorted; none where it has shown none that the server's authorities signed. */
export function clientSubject({ socket }: IncomingMessage): string[] | undefined {
  const { authorized, getPeerX509Certificate } = socket as Partial<TLSSocket>;
  if (authorized !== true) return undefined;
  // One attribute a line, values written as in RFC 2253.
  const subject = getPeerX509Certificate?.call(socket)?.subject;
  return subject?.split("\n").sort();
}
