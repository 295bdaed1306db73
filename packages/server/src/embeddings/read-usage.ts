/** What requests that only read took, in OpenAI's words. */
import * as v from "valibot";
import type { CutText, EmbedUsage } from "medinfer";

export const readUsageSchema = v.object({
  prompt_tokens: v.number(),
  total_tokens: v.number(),
  prompt_tokens_details: v.object({ cached_tokens: v.number() }),
});

export function readUsageOf({ promptTokens, cachedTokens }: EmbedUsage) {
  return {
    prompt_tokens: promptTokens,
    total_tokens: promptTokens,
    prompt_tokens_details: { cached_tokens: cachedTokens },
  };
}

/** Texts that were cut: a client that allowed it is told which. */
export const truncatedSchema = v.array(v.object({ index: v.number(), tokens: v.number(), cut_tokens: v.number() }));

/** @returns a field of an answer, or none where nothing was cut */
export function truncatedOf(cut: readonly CutText[]) {
  if (cut.length === 0) return {};
  return { truncated: cut.map(({ index, tokens, cutTokens }) => ({ index, tokens, cut_tokens: cutTokens })) };
}
