/** Compares an answer with what is known to be right, for calibrations and their measure. */
import { leavesOf, readJson, type JsonLeaf, type Path } from "../answer/json-tree.js";
import { TokenPlaces, type DrawnToken } from "../answer/tokens.js";
import type { Sample } from "./fit.js";
import { scoreValues } from "./scores.js";

/** A value of an answer, and whether it is right. */
export interface GradedValue extends Sample {
  readonly path: Path;
  /** Whether the truth has nothing in its place: the answer made it up, or put it there. */
  readonly invented: boolean;
}

export interface Grade {
  /** Each value of the answer, in its order. */
  readonly values: readonly GradedValue[];
  /**
   * Places where the truth has a value and the answer has none. They have no tokens, so no confidence, and are in no curve and no
   * figure: a confidence tells nothing of what was left out.
   */
  readonly missing: readonly Path[];
}

/**
 * A value is right where the truth has the same in the same place. One that the truth does not have is wrong.
 * @param truth what should have been answered, in the answer's form
 * @param equal default: the same type, and the same to the letter
 * @throws ExtractError `BAD_ANSWER`, `BAD_TOKENS`
 */
export function gradeAnswer(
  { text, logprobs }: { readonly text: string; readonly logprobs?: readonly DrawnToken[] },
  truth: unknown,
  equal: (answered: JsonLeaf, right: JsonLeaf) => boolean = (answered, right) => answered === right,
): Grade {
  const answered = leavesOf(readJson(text));
  const scores = scoreValues(answered, new TokenPlaces(text, logprobs));
  const known = new Map(leavesOf(readJson(JSON.stringify(truth))).map((leaf) => [keyOf(leaf.path), leaf]));
  const values = answered.map((leaf, i) => {
    const right = known.get(keyOf(leaf.path));
    return {
      path: leaf.path,
      scores: scores[i]!,
      right: right !== undefined && equal(leaf.value, right.value),
      invented: right === undefined,
    };
  });
  for (const { path } of answered) known.delete(keyOf(path));
  return { values, missing: Array.from(known.values(), ({ path }) => path) };
}

function keyOf(path: Path): string {
  return JSON.stringify(path);
}
