/** Parameters that could have no effect beside others: refused, because nothing is ignored in silence. */
import type { Sampling, SamplerName } from "./types.js";

type Given = Sampling;
type Key = keyof Sampling;

/** Whether a parameter that the caller gave does something, and which stage of the chain does it. */
const stages: { key: Key; sampler: SamplerName; active: (given: Given) => boolean }[] = [
  { key: "topK", sampler: "TOP_K", active: ({ topK = 0 }) => topK > 0 },
  { key: "topP", sampler: "TOP_P", active: ({ topP = 1 }) => topP < 1 },
  { key: "minP", sampler: "MIN_P", active: ({ minP = 0 }) => minP > 0 },
  { key: "tfsZ", sampler: "TFS_Z", active: ({ tfsZ = 1 }) => tfsZ < 1 },
  { key: "typicalP", sampler: "TYPICAL_P", active: ({ typicalP = 1 }) => typicalP < 1 },
  { key: "temperature", sampler: "TEMPERATURE", active: ({ temperature = 1 }) => temperature > 0 && temperature !== 1 },
  { key: "dynatempRange", sampler: "TEMPERATURE", active: ({ dynatempRange = 0 }) => dynatempRange > 0 },
  { key: "topNSigma", sampler: "TOP_N_SIGMA", active: ({ topNSigma = -1 }) => topNSigma > 0 },
  { key: "xtcProbability", sampler: "XTC", active: ({ xtcProbability = 0 }) => xtcProbability > 0 },
  { key: "dryMultiplier", sampler: "DRY", active: ({ dryMultiplier = 0 }) => dryMultiplier > 0 },
  { key: "adaptivePTarget", sampler: "ADAPTIVE_P", active: ({ adaptivePTarget = -1 }) => adaptivePTarget >= 0 },
];

/** Those for which a draw of chance is needed. */
const random: readonly Key[] = ["dynatempRange", "xtcProbability", "adaptivePTarget"];
/** Those that came after mirostat, so that nobody can mean it to take their place. */
const beyondMirostat: readonly Key[] = ["dynatempRange", "topNSigma", "xtcProbability", "adaptivePTarget"];

/** Calls `report` for every parameter of `given` that others leave without effect. */
export function findConflicts(given: Given, report: (key: Key, message: string) => void): void {
  const { samplers, temperature = 0.8, miroStat = "DISABLED" } = given;
  const active = stages.filter((stage) => given[stage.key] !== undefined && stage.active(given));
  if (samplers !== undefined) {
    for (const { key, sampler } of active) {
      if (!samplers.includes(sampler)) report(key, `has no effect: samplers does not list "${sampler}"`);
    }
    if (new Set(samplers).size < samplers.length) report("samplers", "must not list a sampler twice");
    const adaptive = samplers.indexOf("ADAPTIVE_P");
    if (adaptive >= 0 && adaptive < samplers.length - 1) {
      report("samplers", 'must list "ADAPTIVE_P" last: it draws the token');
    }
    if (miroStat !== "DISABLED") report("samplers", "has no effect: miroStat takes the place of the filters");
  }
  for (const { key } of active) {
    if (temperature <= 0 && random.includes(key)) report(key, "has no effect: a temperature of 0 or less is greedy");
    else if (miroStat !== "DISABLED" && beyondMirostat.includes(key)) {
      report(key, "has no effect: miroStat takes its place");
    }
  }
  if (temperature <= 0 && miroStat !== "DISABLED") {
    report("miroStat", "has no effect: a temperature of 0 or less is greedy");
  }
}
