/** From scores of tokens to the probability that a value is right. */
import * as v from "valibot";

import { ExtractError } from "../errors.js";
import embedded from "./embedded-model.json";
import type { ValueScores } from "./scores.js";

const schema = v.object({
  /** Which of a value's scores it reads. */
  score: v.picklist(["sum", "least", "mean"]),
  intercept: v.pipe(v.number(), v.finite()),
  slope: v.pipe(v.number(), v.finite()),
  /** Values it was fitted to, and how many of them were wrong. */
  fittedTo: v.object({ values: v.number(), wrong: v.number() }),
});

/**
 * A fitted curve: a value with the score `s` is right with the probability
 * `1 / (1 + exp(-(intercept + slope · ln(1e-4 - s))))`. It is plain JSON. It holds for the model, the form, the prompt and the
 * kind of pages that it was fitted on, with greedy drawing.
 */
export type Calibration = v.InferOutput<typeof schema>;

/**
 * Keeps certainty finite: a model that gives its every token the probability 1 is right in about all but one of ten thousand
 * cases, as nobody has the pages to know better.
 */
const FLOOR = 1e-4;

/** What the curve is straight over. */
export function abscissa(score: number): number {
  return Math.log(FLOOR - score);
}

/**
 * That of the embedded model with `models/answer-schema.json`, fitted on synthetic pages that no test uses:
 * `npm run bench -- confidence --fit` makes it.
 */
export const embeddedCalibration: Calibration = checkCalibration(embedded);

/** @throws ExtractError `BAD_CALIBRATION` for what is none, such as a file of another program */
export function checkCalibration(calibration: unknown): Calibration {
  const { success, output } = v.safeParse(schema, calibration);
  if (success) return output;
  throw new ExtractError(
    "BAD_CALIBRATION",
    "a calibration has score, intercept, slope and fittedTo: take one of fitCalibration",
  );
}

/**
 * How likely a value is right, from 0 to 1. Without a calibration it is the probability that the model gives the value, which
 * says how sure the model is, not how often it is right: most models are too sure.
 */
export function confidenceOf(scores: ValueScores, calibration?: Calibration): number {
  if (calibration === undefined) return Math.exp(scores.sum);
  const { score, intercept, slope } = calibration;
  return 1 / (1 + Math.exp(-(intercept + slope * abscissa(scores[score]))));
}
