import type { ServerResponse } from "node:http";

/**
 * What tells a client something beside its answer, in the header `x-medinfer-note`; several are joined with commas. What comes
 * behind the headers, of a request that had to wait, is not told.
 */
export function notesTo(outgoing: ServerResponse): (text: string) => void {
  return (text) => {
    if (!outgoing.headersSent) outgoing.appendHeader("x-medinfer-note", text);
  };
}
