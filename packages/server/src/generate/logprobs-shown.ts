import type { ModelInfo, TokenLogprobs } from "medinfer";

/** Which logprobs to show: how many likely tokens beside each, and whose entries to leave out. */
export interface LogprobsShown {
  top: number;
  ends: ReadonlySet<number>;
}

export function logprobsShown(top: number, info: ModelInfo): LogprobsShown {
  return { top, ends: endsOf(info) };
}

/** Tokens that end a turn have no text in an answer, and OpenAI's lists do not have them. */
export function withoutEnds(tokens: readonly TokenLogprobs[], { ends }: LogprobsShown): TokenLogprobs[] {
  return tokens.filter(({ id }) => !ends.has(id));
}

/** The entries of chats and responses. */
export function logprobEntries(tokens: readonly TokenLogprobs[], shown: LogprobsShown) {
  return withoutEnds(tokens, shown).map(({ text, bytes, logprobBefore, before }) => ({
    token: text,
    logprob: logprobBefore,
    bytes,
    top_logprobs: before.slice(0, shown.top).map((each) => ({
      token: each.text,
      logprob: each.logprob,
      bytes: each.bytes,
    })),
  }));
}

/** The ids of tokens that end a turn. */
function endsOf({ endTokens }: ModelInfo): ReadonlySet<number> {
  return new Set(endTokens.filter(({ ends }) => ends).map(({ id }) => id));
}
