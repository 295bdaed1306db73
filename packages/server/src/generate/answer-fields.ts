/** Fields that calls which generate share. */
import * as v from "valibot";

/** An integer from `min` to `max`. */
export function whole(min: number, max: number = 2 ** 31 - 1) {
  return v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max));
}

/** A number from `min` to `max`. */
export function real(min: number, max: number) {
  return v.pipe(v.number(), v.minValue(min), v.maxValue(max));
}

const stopText = v.pipe(v.string(), v.minLength(1), v.maxLength(1000));

/** Names of OpenAI's that change no answer: taken, and without effect. */
export const withoutEffect = {
  user: v.nullish(v.string()),
  metadata: v.nullish(v.record(v.string(), v.string())),
  service_tier: v.nullish(v.picklist(["auto", "default"])),
  prompt_cache_key: v.nullish(v.string()),
  safety_identifier: v.nullish(v.string()),
};

export const answerEntries = {
  model: v.string(),
  temperature: v.nullish(real(0, 2)),
  top_p: v.nullish(real(0, 1)),
  n: v.nullish(whole(1, 64)),
  /** Beyond 32 bits it is reduced, which the header `x-medinfer-note` says. */
  seed: v.nullish(v.pipe(v.number(), v.integer())),
  max_tokens: v.nullish(whole(1)),
  stop: v.nullish(v.union([stopText, v.pipe(v.array(stopText), v.maxLength(64))])),
  frequency_penalty: v.nullish(real(-2, 2)),
  presence_penalty: v.nullish(real(-2, 2)),
  logit_bias: v.nullish(
    v.record(v.pipe(v.string(), v.regex(/^\d{1,9}$/, "must have token ids as names")), real(-100, 100)),
  ),
  stream: v.nullish(v.boolean()),
  stream_options: v.nullish(
    v.strictObject({ include_usage: v.nullish(v.boolean()), include_obfuscation: v.nullish(v.boolean()) }),
  ),
  /** Ours: a stream that outlives its connection for a minute, see GET /v1/streams/{id}. */
  resumable: v.nullish(v.boolean()),
  store: v.nullish(v.literal(false)),
  ...withoutEffect,
};
