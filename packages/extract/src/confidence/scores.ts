/** What the tokens of a value tell of how sure the model was. */
import type { LeafNode } from "../answer/json-tree.js";
import type { PlacedToken, TokenPlaces } from "../answer/tokens.js";

/**
 * Logprobs of a value, each at most 0. They are of the tokens that have a part in the value and of the one that ends it, which
 * says that nothing more comes (a string's closing quote). A token that reaches over the border of a value counts as a whole.
 *
 * They are the model's, as it gave them before the grammar: where a form allowed only what the model would not have said, they
 * are low.
 */
export interface ValueScores {
  /** Of all together: the logarithm of the probability that the model says exactly this. */
  readonly sum: number;
  /** Of the least likely one. */
  readonly least: number;
  /** Of one on average. */
  readonly mean: number;
}

/** The scores of each value of an answer in turn. */
export function scoreValues(leaves: readonly LeafNode[], places: TokenPlaces): ValueScores[] {
  return leaves.map((leaf) => {
    const logprobs = tokensOf(leaf, places).map(({ logprobBefore }) => Math.min(0, logprobBefore));
    const sum = logprobs.reduce((total, each) => total + each, 0);
    return { sum, least: Math.min(0, ...logprobs), mean: sum / Math.max(1, logprobs.length) };
  });
}

function tokensOf({ value, start, end }: LeafNode, places: TokenPlaces): readonly PlacedToken[] {
  // Of a text from behind its opening quote to the closing one; of others to what stands behind them, if anything does.
  const [first, behind] = typeof value === "string" ? places.within(start + 1, end) : places.within(start, end + 1);
  return places.tokens.slice(first, behind);
}
