/** What shapes the distribution that each token is drawn from. The names are those of Spark NLP and java-llama.cpp. */

/**
 * Sampling parameters. All are optional. The filters run in the order topK, topP, minP, after the penalties and before
 * the temperature, and leave at least `max(1, minKeep)` candidates.
 *
 * The last group is known by name but not implemented in this version: only the neutral value, at which a parameter
 * changes nothing, is taken; any other is refused with `INVALID_ARGUMENT`.
 */
export interface Sampling {
  /** Higher is more varied. 0 or less: greedy, always the most likely token. From -1 to 100. Default 0.8. */
  temperature?: number;
  /** Keep the `topK` most likely tokens. 0 or -1: off. Default 40. */
  topK?: number;
  /** Keep the most likely tokens until their probabilities sum up to `topP`. From 0 to 1; 1: off. Default 0.95. */
  topP?: number;
  /** Keep tokens that are at least `minP` times as likely as the most likely one. From 0 to 1; 0: off. Default 0.05. */
  minP?: number;
  /** Each filter leaves at least this many candidates; 0 means 1. Default 0. */
  minKeep?: number;
  /** How many of the latest tokens, those of the prompt included, are penalised. 0: off; -1: all. Default 64. */
  repeatLastN?: number;
  /** Divides the logit of a repeated token (multiplies a negative one). Above 0, at most 100; 1: off. Default 1. */
  repeatPenalty?: number;
  /** Whether a line break is penalised like any other token. Default false. */
  penalizeNl?: boolean;
  /** Two calls with the same seed draw alike. From 0 to 2^32-1; -1: a new one for every request. Default -1. */
  seed?: number;

  /** Tail-free sampling: not implemented yet, only 1 (off) is taken. */
  tfsZ?: 1;
  /** Locally typical sampling: not implemented yet, only 1 (off) is taken. */
  typicalP?: 1;
  /** Not implemented yet, only 0 (off) is taken. */
  frequencyPenalty?: 0;
  /** Not implemented yet, only 0 (off) is taken. */
  presencePenalty?: 0;
  /** Dynamic temperature: not implemented yet, only 0 (off) is taken. */
  dynatempRange?: 0;
  /** Without effect while `dynatempRange` is 0. */
  dynatempExponent?: number;
  /** Mirostat: not implemented yet, only `"DISABLED"` is taken. */
  miroStat?: "DISABLED";
  /** Without effect while `miroStat` is disabled. */
  miroStatTau?: number;
  /** Without effect while `miroStat` is disabled. */
  miroStatEta?: number;
  /** Not implemented yet: leave it out. */
  penaltyPrompt?: undefined;
  /** Logit bias by token id: not implemented yet, only an empty map is taken. */
  tokenIdBias?: Record<number, never>;
  /** Logit bias by text: not implemented yet, only an empty map is taken. */
  tokenBias?: Record<string, never>;
  /** Not implemented yet, only an empty list is taken. */
  disableTokenIds?: [];
  /** Another order of the filters: not implemented yet, leave it out. */
  samplers?: undefined;
}

/** The parameters of {@link Sampling} that this version honours, with their defaults filled in. */
export type ResolvedSampling = Required<
  Pick<
    Sampling,
    "temperature" | "topK" | "topP" | "minP" | "minKeep" | "repeatLastN" | "repeatPenalty" | "penalizeNl" | "seed"
  >
>;
