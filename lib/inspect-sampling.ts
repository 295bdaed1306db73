/** A look at the sampling chain, with no model. */
import { types } from "node:util";
import * as v from "valibot";
import { loadAddon } from "./native/addon.js";
import { argumentError } from "./errors.js";
import { tokenIds } from "./sampling/fields.js";
import { samplingSchema, toNativeSampling } from "./sampling/schema.js";
import type { Sampling } from "./sampling/types.js";
import { any, integer, object } from "./validation/fields.js";
import { parse } from "./validation/parse.js";

/** What {@link inspectSampling} takes: `logits` or `probs`, not both. */
export interface InspectOptions {
  /** One for each token, by id. `-Infinity`: never drawn. */
  logits?: Float32Array | Float64Array | readonly number[];
  /** Instead of logits: probabilities, or anything in their proportion. None is negative. */
  probs?: Float32Array | Float64Array | readonly number[];
  /** Token ids of the text so far, for the penalties. Default none. */
  history?: readonly number[] | Int32Array;
  /** The token that `penalizeNl: false` spares. Default: none. */
  newlineToken?: number;
  /** The parameters to look at. What names texts is refused: that takes a model's vocabulary. */
  sampling?: Sampling;
}

/** A token that is left after a stage. */
export interface InspectedCandidate {
  id: number;
  /** Its probability among those that are left. */
  p: number;
}

/** One stage of the chain that is on. */
export interface InspectedStage {
  /**
   * `"TOKEN_BIAS"`, a {@link SamplerName}, `"MIROSTAT_V1"`, `"MIROSTAT_V2"`, or `"GREEDY"`.
   */
  sampler: string;
  /** What it left, the most likely first. */
  candidates: InspectedCandidate[];
}

/** What {@link inspectSampling} gives. */
export interface SamplingInspection {
  stages: InspectedStage[];
  /** The token that is drawn: with a `seed`, always the same. */
  token: number;
}

const isNumbers = (isGood: (x: number) => boolean) => (value: unknown) =>
  (Array.isArray(value) || types.isFloat32Array(value) || types.isFloat64Array(value)) &&
  value.length > 0 &&
  Array.from(value as ArrayLike<unknown>).every((x) => typeof x === "number" && isGood(x));

const numbers = (isGood: (x: number) => boolean, what: string) =>
  v.optional(any<Float32Array | Float64Array | readonly number[]>(isNumbers(isGood), what));

/** Checks {@link InspectOptions}. */
export const inspectOptionsSchema = object({
  logits: numbers(
    (x) => Math.abs(x) <= 1e30 || x === -Infinity,
    "a list of numbers, finite or -Infinity, at least one",
  ),
  probs: numbers((x) => x >= 0 && x <= 1e30, "a list of numbers of 0 or more, at least one"),
  history: v.optional(tokenIds(), () => []),
  newlineToken: v.optional(integer(-1), -1),
  sampling: v.optional(samplingSchema, () => ({})),
});

/**
 * What every stage of the sampling chain leaves of a distribution, for tuning. Needs no model; runs in the addon, as
 * requests do.
 *
 * @example
 * const { stages } = await inspectSampling({ probs: [0.1, 0.15, 0.2, 0.25, 0.3], sampling: { tfsZ: 0.75 } });
 *
 * @throws MedInferError (rejects) `INVALID_ARGUMENT`
 */
export async function inspectSampling(options: InspectOptions): Promise<SamplingInspection> {
  // In a promise's own turn, so that every error comes as a rejection.
  await Promise.resolve();
  const { logits, probs, history, newlineToken, sampling } = parse(inspectOptionsSchema, options, "inspectSampling");
  if ((logits === undefined) === (probs === undefined)) {
    throw argumentError("inspectSampling", "logits", "or probs must be given, and not both");
  }
  const { stages, token } = loadAddon().inspectSampling({
    logits: Float32Array.from(logits ?? Array.from(probs!, Math.log)),
    history: Int32Array.from(history),
    newlineToken,
    sampling: toNativeSampling(sampling),
  });
  return {
    stages: stages.map(({ sampler, ids, probabilities }) => ({
      sampler,
      candidates: Array.from(ids, (id, i) => ({ id, p: probabilities[i]! })),
    })),
    token,
  };
}
