/**
 * What shapes the distribution that each token is drawn from. Names, defaults and meaning are those of Spark NLP and
 * java-llama.cpp, that is of llama.cpp b3534; DRY, XTC, top-n-sigma and adaptive-p those of llama.cpp v0.5.0.
 */

/** A stage of the chain, as {@link Sampling.samplers} orders them. */
export type SamplerName =
  | "PENALTIES"
  | "DRY"
  | "TOP_N_SIGMA"
  | "TOP_K"
  | "TFS_Z"
  | "TYPICAL_P"
  | "TOP_P"
  | "MIN_P"
  | "XTC"
  | "TEMPERATURE"
  | "ADAPTIVE_P";

/**
 * Added to a logit: a number from -1000 to 1000; or false: the token is never drawn.
 */
export type LogitBias = number | false;

/**
 * Sampling parameters. All are optional; none is ever ignored: one that can have no effect beside the others is refused
 * with `INVALID_ARGUMENT`.
 *
 * The chain is: biases, penalties, DRY, top-n-sigma, top-k, tail-free, locally typical, top-p, min-p, XTC, temperature,
 * draw. {@link Sampling.samplers} changes the order. Filters leave at least `max(1, minKeep)` candidates.
 */
export interface Sampling {
  /**
   * Higher is more varied. 0: greedy, always the most likely token; below 0: the same, and the logprobs after the chain
   * are those of the whole distribution instead of that of the one token. From -1 to 100. Default 0.8.
   */
  temperature?: number;
  /**
   * Lets the temperature follow the entropy H of the candidates, from `max(0, temperature - dynatempRange)` to
   * `temperature + dynatempRange`, by `(H / Hmax) ^ dynatempExponent`. From 0 to 100; 0: off. Default 0.
   */
  dynatempRange?: number;
  /** See {@link Sampling.dynatempRange}. From 0 to 100. Default 1. */
  dynatempExponent?: number;
  /** Keep the `topK` most likely tokens. 0 or -1: off. Default 40. */
  topK?: number;
  /** Keep the most likely tokens until their probabilities sum up to `topP`. From 0 to 1; 1: off. Default 0.95. */
  topP?: number;
  /** Keep tokens that are at least `minP` times as likely as the most likely one. From 0 to 1; 0: off. Default 0.05. */
  minP?: number;
  /**
   * Tail-free sampling: cut the tail off where the curvature of the sorted probabilities has summed up to `tfsZ`. From 0
   * to 1; 1: off. Default 1.
   */
  tfsZ?: number;
  /**
   * Locally typical sampling: keep the tokens whose surprise is nearest to the expected one until their probabilities
   * sum up to more than `typicalP`. From 0 to 1; 1: off. Default 1.
   */
  typicalP?: number;
  /** Keep logits within so many standard deviations of the largest. From -1 to 100; 0 or less: off. Default -1. */
  topNSigma?: number;
  /** Each filter leaves at least this many candidates; 0 means 1. Default 0. */
  minKeep?: number;

  /** How many of the latest tokens, those of the prompt included, are penalised. 0: off; -1: all. Default 64. */
  repeatLastN?: number;
  /** Divides the logit of a repeated token (multiplies a negative one). Above 0, at most 100; 1: off. Default 1. */
  repeatPenalty?: number;
  /** Taken off a token's logit for each time that it is repeated. From -100 to 100; 0: off. Default 0. */
  frequencyPenalty?: number;
  /** Taken off a token's logit once where it is repeated. From -100 to 100; 0: off. Default 0. */
  presencePenalty?: number;
  /** Whether a line break is penalised like any other token. Default false. */
  penalizeNl?: boolean;
  /**
   * A text, or token ids, that stands for the prompt where the penalties look back; what is generated follows it. Default:
   * the prompt.
   */
  penaltyPrompt?: string | readonly number[] | Int32Array;

  /**
   * DRY: penalises a token that would continue a repeat of `n` tokens by `dryMultiplier * dryBase ^ (n -
   * dryAllowedLength)`. From 0 to 100; 0: off. Default 0.
   */
  dryMultiplier?: number;
  /** See {@link Sampling.dryMultiplier}. From 1 to 100. Default 1.75. */
  dryBase?: number;
  /** Repeats that are shorter are not penalised. Default 2. */
  dryAllowedLength?: number;
  /** How many of the latest tokens are searched for repeats. 0: off; -1: all. Default -1. */
  dryPenaltyLastN?: number;
  /** Texts across which no repeat is seen. At most 64. Default `["\n", ":", "\"", "*"]`. */
  drySequenceBreakers?: readonly string[];

  /**
   * XTC: with this chance, takes away all tokens of at least `xtcThreshold` but the least likely of them. From 0 to 1; 0:
   * off. Default 0.
   */
  xtcProbability?: number;
  /** See {@link Sampling.xtcProbability}. From 0 to 0.5. Default 0.1. */
  xtcThreshold?: number;

  /**
   * Adaptive-p: draws tokens near this probability, aiming beside it by as much as the latest ones missed. From -1 to 1;
   * below 0: off. Default -1.
   */
  adaptivePTarget?: number;
  /** How much the past counts for adaptive-p. From 0 to 0.99. Default 0.9. */
  adaptivePDecay?: number;

  /**
   * Mirostat keeps the surprise of the text near `miroStatTau`. It takes the place of `topK`, `tfsZ`, `typicalP`, `topP`
   * and `minP`, after the temperature; the penalties, DRY and the biases stay. Default `"DISABLED"`.
   */
  miroStat?: "DISABLED" | "V1" | "V2";
  /** The surprise that mirostat aims at, in bits. From 0 to 100. Default 5. */
  miroStatTau?: number;
  /** How fast mirostat learns. From 0 to 1. Default 0.1. */
  miroStatEta?: number;

  /**
   * Two calls with the same seed draw alike. From 0 to 2^32-1 (which draws as 2^32-2 does); -1: a new one for every
   * request. Default -1.
   */
  seed?: number;

  /** Biases by token id. Several of one token add up, those of {@link Sampling.tokenBias} included. Default none. */
  tokenIdBias?: Readonly<Record<number, LogitBias>>;
  /** Biases by text: each token of a text, tokenised by itself, gets the bias. Default none. */
  tokenBias?: Readonly<Record<string, LogitBias>>;
  /** Tokens that are never drawn. Default none. */
  disableTokenIds?: readonly number[] | Int32Array;

  /**
   * The order of the chain. A filter that is not listed does not run; penalties that are not listed run first.
   * `"ADAPTIVE_P"` can only be last. Default: all of them, in the order of {@link SamplerName}.
   */
  samplers?: readonly SamplerName[];
}

/** {@link Sampling} with its defaults filled in. */
export type ResolvedSampling = Required<Omit<Sampling, "penaltyPrompt">> & Pick<Sampling, "penaltyPrompt">;
