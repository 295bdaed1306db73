/** The form of what an answer took. */
import * as v from "valibot";

export const count = v.pipe(v.number(), v.integer(), v.minValue(0));

export const usageSchema = v.object({
  prompt_tokens: count,
  completion_tokens: count,
  total_tokens: count,
  prompt_tokens_details: v.object({
    cached_tokens: count,
    image_tokens: count,
    text_tokens: count,
    audio_tokens: v.literal(0),
  }),
});

export const finishReasonSchema = v.picklist(["stop", "length", "tool_calls"]);
