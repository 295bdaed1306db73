/** Fits a calibration to values that people know to be right or wrong. */
import { ExtractError } from "../errors.js";
import { abscissa, type Calibration } from "./calibration.js";
import type { ValueScores } from "./scores.js";

/** A value's scores, and whether it was right. */
export interface Sample {
  readonly scores: ValueScores;
  readonly right: boolean;
}

/** Fewer wrong or right values than this say nothing of a curve. */
const LEAST_OF_EACH = 10;
const STEPS = 100;

/**
 * Fits a logistic curve over each of the scores, and takes the one that says best what was right (the least log loss).
 *
 * Platt's method: the targets are not 1 and 0 but `(right + 1) / (right + 2)` and `1 / (wrong + 2)`, so that a curve exists even
 * where a score parts right from wrong without an error (J. Platt, "Probabilistic Outputs for Support Vector Machines", 1999).
 * At least a hundred wrong values make a good fit; measure it on other pages (`measureReliability`).
 * @throws ExtractError `TOO_FEW_SAMPLES` with fewer than 10 right or 10 wrong values
 */
export function fitCalibration(samples: readonly Sample[]): Calibration {
  const right = samples.filter((sample) => sample.right).length;
  const wrong = samples.length - right;
  if (Math.min(right, wrong) < LEAST_OF_EACH) {
    throw new ExtractError(
      "TOO_FEW_SAMPLES",
      `${right} right and ${wrong} wrong values are too few: read more pages, until there are ${LEAST_OF_EACH} of each`,
    );
  }
  const targets = samples.map((sample) => (sample.right ? (right + 1) / (right + 2) : 1 / (wrong + 2)));
  const curves = (["sum", "least", "mean"] as const).map((score) => {
    const x = samples.map(({ scores }) => abscissa(scores[score]));
    return { score, ...fitCurve(x, targets) };
  });
  const { score, intercept, slope } = curves.reduce((best, curve) => (curve.loss < best.loss ? curve : best));
  return { score, intercept, slope, fittedTo: { values: samples.length, wrong } };
}

interface Curve {
  readonly intercept: number;
  readonly slope: number;
  /** The sum of the log losses. */
  readonly loss: number;
}

/**
 * Newton's method with halved steps, as in Lin, Lin and Weng, "A note on Platt's probabilistic outputs" (2007): the loss is
 * convex, and each step lowers it.
 */
export function fitCurve(x: readonly number[], targets: readonly number[]): Curve {
  const share = targets.reduce((a, b) => a + b, 0) / targets.length;
  let [intercept, slope] = [Math.log(share / (1 - share)), 0];
  let loss = lossOf(x, targets, intercept, slope);
  for (let step = 0; step < STEPS; step++) {
    let [g0, g1, h00, h01, h11] = [0, 0, 1e-12, 0, 1e-12];
    for (const [i, each] of x.entries()) {
      const p = 1 / (1 + Math.exp(-(intercept + slope * each)));
      const [off, weight] = [p - targets[i]!, p * (1 - p)];
      g0 += off;
      g1 += off * each;
      h00 += weight;
      h01 += weight * each;
      h11 += weight * each * each;
    }
    const determinant = h00 * h11 - h01 * h01;
    if (determinant <= 0 || Math.max(Math.abs(g0), Math.abs(g1)) < 1e-9 * x.length) break;
    const [d0, d1] = [(h11 * g0 - h01 * g1) / determinant, (h00 * g1 - h01 * g0) / determinant];
    let size = 1;
    let next = lossOf(x, targets, intercept - d0, slope - d1);
    while (next >= loss && size > 1e-10) {
      size /= 2;
      next = lossOf(x, targets, intercept - size * d0, slope - size * d1);
    }
    if (next >= loss) break;
    [intercept, slope, loss] = [intercept - size * d0, slope - size * d1, next];
  }
  return { intercept, slope, loss };
}

function lossOf(x: readonly number[], targets: readonly number[], intercept: number, slope: number): number {
  return x.reduce((sum, each, i) => {
    const z = intercept + slope * each;
    // ln(1 + e^z) - t·z, without overflow.
    return sum + Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))) - targets[i]! * z;
  }, 0);
}
