import { closest, distance } from "fastest-levenshtein";
import * as v from "valibot";

/** Names longer than this are no misspelt ones. */
const LONGEST = 64;

/** An object with these fields and no others; a name that is unknown is answered with the nearest that is known. */
export function body<const T extends v.ObjectEntries>(entries: T) {
  const known = Object.keys(entries);
  return v.strictObject(entries, (issue) => {
    if (issue.expected !== "never") return issue.path === undefined ? "must be an object" : "is missing";
    const name = String(issue.path?.at(-1)?.key);
    const near = name.length > LONGEST ? undefined : closest(name, known);
    const isNear = near !== undefined && distance(near, name) <= Math.max(1, near.length / 3);
    return isNear ? `is unknown: did you mean ${near}?` : "is unknown";
  });
}
