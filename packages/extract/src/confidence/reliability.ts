/** How good confidences are, measured against what was right. */
import { ExtractError } from "../errors.js";

/** A value's confidence, and whether the value was right. */
export interface Judged {
  readonly confidence: number;
  readonly right: boolean;
}

/** Values whose confidences lie in one range. */
export interface ReliabilityBin {
  /** From here, 0 to 1. */
  readonly from: number;
  /** To below here; the last bin has 1, too. */
  readonly to: number;
  readonly count: number;
  /** Mean confidence; NaN where there is none. */
  readonly confidence: number;
  /** Share of right ones; NaN where there is none. */
  readonly right: number;
}

export interface Reliability {
  readonly count: number;
  readonly wrong: number;
  /** Area under the ROC curve: how often a right value has a greater confidence than a wrong one; ties count half. */
  readonly auc: number;
  /** Expected calibration error: the mean distance of confidence and share of right ones over the bins, by their counts. */
  readonly ece: number;
  /** The mean square of confidence minus 1 (right) or 0 (wrong). */
  readonly brier: number;
  readonly bins: readonly ReliabilityBin[];
}

/**
 * Measures confidences. The ECE is that of Guo et al., "On Calibration of Modern Neural Networks" (2017), over bins of equal
 * width.
 * @param bins how many; default 10
 * @throws ExtractError `TOO_FEW_SAMPLES` unless there is a right and a wrong one
 */
export function measureReliability(judged: readonly Judged[], bins = 10): Reliability {
  const wrong = judged.filter(({ right }) => !right).length;
  if (wrong === 0 || wrong === judged.length) {
    throw new ExtractError(
      "TOO_FEW_SAMPLES",
      "measuring takes at least one right and one wrong value: take more pages",
    );
  }
  const found = Array.from({ length: bins }, (_, i) => binOf(judged, i, bins));
  return {
    count: judged.length,
    wrong,
    auc: areaUnderRoc(judged),
    ece: found.reduce(
      (sum, bin) => sum + (bin.count === 0 ? 0 : (bin.count * Math.abs(bin.confidence - bin.right)) / judged.length),
      0,
    ),
    brier: judged.reduce((sum, { confidence, right }) => sum + (confidence - Number(right)) ** 2, 0) / judged.length,
    bins: found,
  };
}

function binOf(judged: readonly Judged[], index: number, bins: number): ReliabilityBin {
  const inside = judged.filter(({ confidence }) => Math.min(bins - 1, Math.floor(confidence * bins)) === index);
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  return {
    from: index / bins,
    to: (index + 1) / bins,
    count: inside.length,
    confidence: mean(inside.map(({ confidence }) => confidence)),
    right: mean(inside.map(({ right }) => Number(right))),
  };
}

/** By the ranks of the right ones (Mann and Whitney); ties have the mean of their ranks. */
function areaUnderRoc(judged: readonly Judged[]): number {
  const sorted = [...judged].sort((a, b) => a.confidence - b.confidence);
  let ranksOfRight = 0;
  for (let from = 0; from < sorted.length;) {
    let to = from;
    while (to < sorted.length && sorted[to]!.confidence === sorted[from]!.confidence) to++;
    const rank = (from + 1 + to) / 2;
    for (let i = from; i < to; i++) if (sorted[i]!.right) ranksOfRight += rank;
    from = to;
  }
  const right = judged.filter((each) => each.right).length;
  return (ranksOfRight - (right * (right + 1)) / 2) / (right * (judged.length - right));
}
