import type { ServerResponse } from "node:http";

/** What tells a client something beside its answer, in the header `x-medinfer-note`; several are joined with commas. */
export function notesTo(outgoing: ServerResponse): (text: string) => void {
  return (text) => void outgoing.appendHeader("x-medinfer-note", text);
}
