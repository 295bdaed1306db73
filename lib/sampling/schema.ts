import * as v from "valibot";
import { flag, integer, neutral, notYet, number, object } from "../validation/fields.js";
import type { NativeSampling } from "../binding.js";
import type { ResolvedSampling, Sampling } from "./types.js";

const isZero = (value: unknown) => value === 0;
const isOne = (value: unknown) => value === 1;
const isNumber = (value: unknown) => Number.isFinite(value);
const isEmpty = (value: unknown) => typeof value === "object" && value !== null && Object.keys(value).length === 0;

/** Parameters of the seeds' table that wait for a later version. */
const notImplemented = {
  tfsZ: neutral<1>(isOne, "1"),
  typicalP: neutral<1>(isOne, "1"),
  frequencyPenalty: neutral<0>(isZero, "0"),
  presencePenalty: neutral<0>(isZero, "0"),
  dynatempRange: neutral<0>(isZero, "0"),
  dynatempExponent: neutral<number>(isNumber, "1"),
  miroStat: neutral<"DISABLED">((value) => value === "DISABLED", '"DISABLED"'),
  miroStatTau: neutral<number>(isNumber, "5"),
  miroStatEta: neutral<number>(isNumber, "0.1"),
  penaltyPrompt: notYet(),
  tokenIdBias: neutral<Record<number, never>>(isEmpty, "{}"),
  tokenBias: neutral<Record<string, never>>(isEmpty, "{}"),
  disableTokenIds: neutral<[]>(isEmpty, "[]"),
  samplers: notYet(),
};

/** Checks a {@link Sampling} and fills in its defaults. */
export const samplingSchema = v.pipe(
  object({
    temperature: v.optional(number(-1, 100), 0.8),
    topK: v.optional(integer(-1), 40),
    topP: v.optional(number(0, 1), 0.95),
    minP: v.optional(number(0, 1), 0.05),
    minKeep: v.optional(integer(0), 0),
    repeatLastN: v.optional(integer(-1), 64),
    repeatPenalty: v.optional(number(0, 100, { exclusiveMin: true }), 1),
    penalizeNl: v.optional(flag(), false),
    seed: v.optional(integer(-1, 2 ** 32 - 1), -1),
    ...notImplemented,
  }),
  v.transform((all): ResolvedSampling => ({
    temperature: all.temperature,
    topK: all.topK,
    topP: all.topP,
    minP: all.minP,
    minKeep: all.minKeep,
    repeatLastN: all.repeatLastN,
    repeatPenalty: all.repeatPenalty,
    penalizeNl: all.penalizeNl,
    seed: all.seed,
  })),
) satisfies v.GenericSchema<Sampling, ResolvedSampling>;

/** Every name that may stand in `sampling`, to tell where a misplaced one belongs. */
export const samplingKeys: readonly string[] = Object.keys(samplingSchema.entries);

/** What the addon takes: a request without a seed gets one of its own. */
export function toNativeSampling(sampling: ResolvedSampling): NativeSampling {
  return {
    ...sampling,
    seed: sampling.seed === -1 ? Math.floor(Math.random() * 2 ** 32) : sampling.seed,
  };
}
