import { randomUUID } from "node:crypto";

/** What every part of an answer says. */
export interface StreamHead {
  id: string;
  model: string;
  /** Seconds since 1970. */
  created: number;
}

/** @param prefix of the id, as OpenAI's have one for each kind of call */
export function newHead(prefix: string, model: string): StreamHead {
  return { id: `${prefix}${randomUUID()}`, created: Math.floor(Date.now() / 1000), model };
}
