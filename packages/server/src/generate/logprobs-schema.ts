/** The form of logprobs in chats and responses. */
import * as v from "valibot";

const token = {
  token: v.string(),
  logprob: v.number(),
  bytes: v.array(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(255))),
};

export const logprobEntry = v.object({ ...token, top_logprobs: v.array(v.object(token)) });
