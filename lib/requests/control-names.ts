/** Which control tokens a request looks for: those that its stops and tags name. */
import type { ThinkingTags } from "../generation/types.js";
import type { StopRegex } from "../options/text-options.js";

/** What a request looks for in the model's text. */
interface LookedFor {
  stopStrings: readonly string[];
  stopRegexes: readonly StopRegex[];
  thinkingTags: ThinkingTags | undefined;
  /** What the chat template writes around reasoning and calls. */
  markup: readonly string[];
}

/**
 * Those of `texts`, the vocabulary's control tokens, that stand in a stop string, a stop regex, a tag or a mark. The engine writes
 * them out where they are drawn, and no others.
 */
export function namedControlTokens(texts: readonly string[], wanted: LookedFor): string[] {
  const patterns = wanted.stopRegexes.map(({ source }) => unescaped(source));
  const places = [...wanted.stopStrings, ...patterns, ...wanted.markup];
  if (wanted.thinkingTags !== undefined) places.push(wanted.thinkingTags.open, wanted.thinkingTags.close);
  return texts.filter((text) => text !== "" && places.some((place) => place.includes(text)));
}

/** A pattern as the text that it is where it means one: `<\|end\|>` is `<|end|>`. */
function unescaped(pattern: string): string {
  return pattern.replace(/\\([^\w\s])/g, "$1");
}
