import { MedInferError } from "medinfer";
import type { AnswerLimits } from "./serving.js";

/** What timers can wait for. */
const MOST_MS = 2 ** 31 - 1;

/**
 * Refuses limits with which every request would fail, before the first does.
 *
 * @throws MedInferError `INVALID_ARGUMENT`
 */
export function checkLimits({ defaultMaxTokens, timeLimitMs }: AnswerLimits): void {
  refuseUnless("defaultMaxTokens", defaultMaxTokens, Number.MAX_SAFE_INTEGER);
  refuseUnless("timeLimitMs", timeLimitMs, MOST_MS);
}

function refuseUnless(name: string, value: number, most: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= most) return;
  throw new MedInferError("INVALID_ARGUMENT", `${name} must be an integer from 1 to ${most}`);
}
