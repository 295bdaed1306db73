/** The value below which a share of the samples lies (nearest rank). @param {number[]} samples @param {number} share 0…1 */
export function percentile(samples, share) {
  if (samples.length === 0) return NaN;
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))];
}

/** @param {number[]} samples */
export function median(samples) {
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** @param {number[]} samples none: 0 */
export function rootMeanSquare(samples) {
  return Math.sqrt(samples.reduce((sum, sample) => sum + sample ** 2, 0) / Math.max(1, samples.length));
}

/** What is worth knowing about repeated measurements. @param {number[]} samples */
export function summary(samples) {
  return {
    median: round(median(samples)),
    min: round(Math.min(...samples)),
    max: round(Math.max(...samples)),
    runs: samples.length,
  };
}

/** Four digits say all that a benchmark knows. @param {number} value */
export function round(value) {
  return Number.isFinite(value) ? Number(value.toPrecision(4)) : value;
}
