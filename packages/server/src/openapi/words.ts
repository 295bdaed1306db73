import { refusedWords } from "../http/api-words.js";
import type { Route } from "../http/route.js";
import { textsOf } from "../http/scrub.js";
import { openApiDocument } from "./document.js";

/** Words of the API itself: names of fields, and what may stand in them. */
export function wordsOf(routes: readonly Route[]): ReadonlySet<string> {
  return new Set([...textsOf(openApiDocument(routes, "")), ...refusedWords]);
}
