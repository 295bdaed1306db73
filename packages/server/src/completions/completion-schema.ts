/** The body of POST /v1/completions: OpenAI's names with OpenAI's limits, and ours beside them. */
import * as v from "valibot";
import { answerEntries, whole } from "../generate/answer-fields.js";
import { ownCompletionOptions } from "../generate/own-options.js";

/** Most prompts of one request. */
const MOST_PROMPTS = 128;

const ids = v.pipe(v.array(whole(0)), v.minLength(1));
const idLists = v.pipe(v.array(ids), v.maxLength(MOST_PROMPTS));
const texts = v.pipe(v.array(v.string()), v.minLength(1), v.maxLength(MOST_PROMPTS));
const anyPrompt = v.union([v.string(), texts, ids, idLists]);

/** A text, several, the token ids of one, or of several. Its first entry says which: ids may be many, and are checked once. */
const prompt = v.lazy((input): v.GenericSchema<v.InferOutput<typeof anyPrompt>> => {
  if (input === undefined) return anyPrompt;
  if (!Array.isArray(input)) return v.string();
  if (Array.isArray(input[0])) return idLists;
  return typeof input[0] === "number" ? ids : texts;
});

export const completionSchema = v.strictObject({
  ...answerEntries,
  ...ownCompletionOptions,
  prompt,
  /** 0 only with echo. */
  max_tokens: v.nullish(whole(0)),
  best_of: v.nullish(whole(1, 64)),
  echo: v.nullish(v.boolean()),
  logprobs: v.nullish(whole(0, 5)),
  suffix: v.nullish(v.string()),
});

export type CompletionBody = v.InferOutput<typeof completionSchema>;
