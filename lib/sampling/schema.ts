import * as v from "valibot";
import { flag, integer, list, number, object, oneOf, text } from "../validation/fields.js";
import type { NativeSampling } from "../native/types.js";
import { findConflicts } from "./conflicts.js";
import { biases, textOrTokenIds, tokenIds } from "./fields.js";
import type { LogitBias, ResolvedSampling, Sampling } from "./types.js";

/** Every stage, in the default order of the chain. */
const allSamplers = [
  "PENALTIES",
  "DRY",
  "TOP_N_SIGMA",
  "TOP_K",
  "TFS_Z",
  "TYPICAL_P",
  "TOP_P",
  "MIN_P",
  "XTC",
  "TEMPERATURE",
  "ADAPTIVE_P",
] as const;

/** What a parameter is that nobody gave. */
export const samplingDefaults: ResolvedSampling = {
  temperature: 0.8,
  dynatempRange: 0,
  dynatempExponent: 1,
  topK: 40,
  topP: 0.95,
  minP: 0.05,
  tfsZ: 1,
  typicalP: 1,
  topNSigma: -1,
  minKeep: 0,
  repeatLastN: 64,
  repeatPenalty: 1,
  frequencyPenalty: 0,
  presencePenalty: 0,
  penalizeNl: false,
  dryMultiplier: 0,
  dryBase: 1.75,
  dryAllowedLength: 2,
  dryPenaltyLastN: -1,
  drySequenceBreakers: ["\n", ":", '"', "*"],
  xtcProbability: 0,
  xtcThreshold: 0.1,
  adaptivePTarget: -1,
  adaptivePDecay: 0.9,
  miroStat: "DISABLED",
  miroStatTau: 5,
  miroStatEta: 0.1,
  seed: -1,
  tokenIdBias: {},
  tokenBias: {},
  disableTokenIds: [],
  samplers: allSamplers,
};

/** Without the defaults: what the caller gave is distinguished from what they did not. */
const entries = {
  temperature: v.optional(number(-1, 100)),
  dynatempRange: v.optional(number(0, 100)),
  dynatempExponent: v.optional(number(0, 100)),
  topK: v.optional(integer(-1)),
  topP: v.optional(number(0, 1)),
  minP: v.optional(number(0, 1)),
  tfsZ: v.optional(number(0, 1)),
  typicalP: v.optional(number(0, 1)),
  topNSigma: v.optional(number(-1, 100)),
  minKeep: v.optional(integer(0)),
  repeatLastN: v.optional(integer(-1)),
  repeatPenalty: v.optional(number(0, 100, { exclusiveMin: true })),
  frequencyPenalty: v.optional(number(-100, 100)),
  presencePenalty: v.optional(number(-100, 100)),
  penalizeNl: v.optional(flag()),
  penaltyPrompt: v.optional(textOrTokenIds()),
  dryMultiplier: v.optional(number(0, 100)),
  dryBase: v.optional(number(1, 100)),
  dryAllowedLength: v.optional(integer(0)),
  dryPenaltyLastN: v.optional(integer(-1)),
  drySequenceBreakers: v.optional(
    v.pipe(
      list(text({ filled: true }), "texts"),
      v.check((breakers) => breakers.length <= 64, "must hold at most 64 texts"),
      v.check((breakers) => breakers.every((each) => !each.includes("\0")), "must not hold a null character"),
    ),
  ),
  xtcProbability: v.optional(number(0, 1)),
  xtcThreshold: v.optional(number(0, 0.5)),
  adaptivePTarget: v.optional(number(-1, 1)),
  adaptivePDecay: v.optional(number(0, 0.99)),
  miroStat: v.optional(oneOf(["DISABLED", "V1", "V2"])),
  miroStatTau: v.optional(number(0, 100)),
  miroStatEta: v.optional(number(0, 1)),
  seed: v.optional(integer(-1, 2 ** 32 - 1)),
  tokenIdBias: v.optional(biases<number>("a token id")),
  tokenBias: v.optional(biases<string>("a text")),
  disableTokenIds: v.optional(tokenIds()),
  samplers: v.optional(list(oneOf(allSamplers), "samplers")),
};

/** Checks a {@link Sampling} and fills in its defaults. */
export const samplingSchema = v.pipe(
  object(entries),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const input = dataset.value;
    findConflicts(input, (key, message) => {
      addIssue({ message, path: [{ type: "object", origin: "value", input, key, value: input[key] }] });
    });
  }),
  v.transform((given): ResolvedSampling => {
    const set = Object.entries(given).filter(([, value]) => value !== undefined);
    // Adding 0 makes a positive zero of a negative one.
    return {
      ...samplingDefaults,
      ...Object.fromEntries(set.map(([key, x]) => [key, typeof x === "number" ? x + 0 : x])),
    };
  }),
) satisfies v.GenericSchema<Sampling, ResolvedSampling>;

/** Every name that may stand in `sampling`, to tell where a misplaced one belongs. */
export const samplingKeys: readonly string[] = Object.keys(samplingSchema.entries);

/** What the addon takes: a request without a seed gets one of its own. */
export function toNativeSampling(sampling: ResolvedSampling): NativeSampling {
  const { tokenIdBias, tokenBias, disableTokenIds, penaltyPrompt, ...plain } = sampling;
  return {
    ...plain,
    drySequenceBreakers: [...plain.drySequenceBreakers],
    samplers: [...plain.samplers],
    seed: sampling.seed === -1 ? Math.floor(Math.random() * 2 ** 32) : sampling.seed,
    penaltyPrompt: toNativePrompt(penaltyPrompt),
    tokenIdBias: [
      ...Object.entries(tokenIdBias).map(([id, bias]) => ({ id: Number(id), bias: toNumber(bias) })),
      ...Array.from(disableTokenIds, (id) => ({ id, bias: -Infinity })),
    ],
    tokenBias: Object.entries(tokenBias).map(([biased, bias]) => ({ text: biased, bias: toNumber(bias) })),
  };
}

const toNumber = (bias: LogitBias) => (bias === false ? -Infinity : bias);

function toNativePrompt(prompt: Sampling["penaltyPrompt"]): NativeSampling["penaltyPrompt"] {
  if (prompt === undefined) return null;
  return typeof prompt === "string" ? prompt : Int32Array.from(prompt);
}
