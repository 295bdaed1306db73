import type { RunStatus } from "@medinfer/batch";

/** E.g. `"9 inputs = 7 done + 2 failed + 0 quarantined (2 ANSWER_CUT)"`. */
export function reportOf({ inputs, done, failed, quarantined, running, queued, codes }: RunStatus): string {
  const left = running + queued;
  const sum = `${inputs} inputs = ${done} done + ${failed} failed + ${quarantined} quarantined`;
  const why = Object.entries(codes).map(([code, count]) => `${count} ${code}`);
  return `${sum}${left > 0 ? ` + ${left} to do` : ""}${why.length > 0 ? ` (${why.join(", ")})` : ""}`;
}
