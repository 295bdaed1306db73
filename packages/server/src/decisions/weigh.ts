import type { ScoredCandidate } from "medinfer";
import type { PossibleAnswer } from "./question.js";

/** How likely an answer is. */
export interface WeighedAnswer {
  value: PossibleAnswer["value"];
  /** Its share among the answers: all sum to 1. */
  probability: number;
}

/** How likely all answers of a question are. */
export interface Weighed {
  answers: WeighedAnswer[];
  /** The probability that the model writes one of them, and not something else. */
  coverage: number;
}

/**
 * Answers of candidates. The probability of a text includes everything that goes on from it, so that "1" would always win
 * over "10": what goes on to another candidate is taken off.
 *
 * @param scored the candidates of the answers' forms, in their order
 */
export function weigh(answers: readonly PossibleAnswer[], scored: readonly ScoredCandidate[]): Weighed {
  const best = Math.max(...scored.map(({ logprob }) => logprob));
  const own = ownWeights(scored, best);
  let next = 0;
  const weights = answers.map(({ forms }) => {
    const mine = own.slice(next, (next += forms.length));
    return mine.reduce((sum, weight) => sum + weight, 0);
  });
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return {
    answers: answers.map(({ value }, i) => ({ value, probability: sum > 0 ? weights[i]! / sum : 0 })),
    coverage: sum > 0 ? Math.min(1, sum * Math.exp(best)) : 0,
  };
}

/** Each candidate's probability without that of the candidates that go on from it; in units of `exp(best)`. */
function ownWeights(scored: readonly ScoredCandidate[], best: number): number[] {
  const keys = scored.map(({ tokenIds }) => tokenIds.map((id) => `${id},`).join(""));
  const full = scored.map(({ logprob }) => (logprob === -Infinity ? 0 : Math.exp(logprob - best)));
  const own = keys.map((key, i) => (keys.indexOf(key) === i ? full[i]! : 0));
  keys.forEach((key, i) => {
    if (keys.indexOf(key) !== i) return; // another form of the same tokens counts already
    // The longest candidate that this one goes on from.
    let parent = -1;
    keys.forEach((other, j) => {
      const before = other.length < key.length && key.startsWith(other) && keys.indexOf(other) === j;
      if (before && (parent < 0 || other.length > keys[parent]!.length)) parent = j;
    });
    if (parent >= 0) own[parent] = Math.max(0, own[parent]! - full[i]!);
  });
  return own;
}
