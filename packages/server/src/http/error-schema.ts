/** The form of errors: see problem.ts. */
import * as v from "valibot";

/** What a problem says in every form of errors. */
export const problemFields = {
  message: v.string(),
  type: v.string(),
  param: v.nullable(v.string()),
  code: v.nullable(v.string()),
  /** Of a prompt that never fits: see `context_length_exceeded`. */
  n_prompt_tokens: v.optional(v.number()),
  n_ctx: v.optional(v.number()),
  /** Of a tenant without room for a file: see `files_quota_exceeded`. */
  bytes_used: v.optional(v.number()),
  bytes_quota: v.optional(v.number()),
};

export const errorSchema = v.object({ error: v.object(problemFields) });
