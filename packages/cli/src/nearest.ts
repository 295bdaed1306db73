import { closest, distance } from "fastest-levenshtein";

/** `" (did you mean x?)"` where one of the names is near enough to be what was meant, otherwise nothing. */
export function didYouMean(given: string, names: readonly string[]): string {
  if (names.length === 0) return "";
  const nearest = closest(given, names);
  return distance(given, nearest) <= Math.max(2, nearest.length / 3) ? ` (did you mean ${nearest}?)` : "";
}

/** A name as it may be shown: what is no name may be a text for a model. */
export function shownName(given: string): string {
  return /^[\w-]{1,40}$/.test(given) ? `"${given}"` : "a name";
}
