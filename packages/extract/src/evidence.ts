/** Values of an answer with what speaks for them. */
import type { JsonLeaf, JsonNode, LeafNode } from "./answer/json-tree.js";
import type { Box } from "./text-layer/types.js";

/** A value, and what speaks for it. */
export interface FieldEvidence<T extends JsonLeaf = JsonLeaf> {
  readonly value: T;
  /** As it stands on the page where it was found there, else as the answer has it; empty for null. */
  readonly text: string;
  /** The number of the page; missing where several pages could be meant, or none were given. */
  readonly page?: number;
  /**
   * Around the words on the page, in points from its upper left corner. A word counts as a whole, with its punctuation. Missing
   * where the page has no text layer, does not hold the value, or holds it in several places of which none is clearly meant.
   */
  readonly box?: Box;
  /** Where the words stand in several lines: a box for each. */
  readonly lines?: readonly Box[];
  /** How likely the value is right, from 0 to 1. */
  readonly confidence: number;
  /** `"text-layer"`: the page's own text has the value. `"model"`: nothing but the model says so. */
  readonly source: "text-layer" | "model";
}

/** The shape of a JSON value, with evidence in the place of each value that holds no others. */
export type Evidence<T> = unknown extends T
  ? EvidenceTree
  : T extends JsonLeaf
    ? FieldEvidence<T>
    : T extends readonly (infer Item)[]
      ? Evidence<Item>[]
      : { [Key in keyof T]: Evidence<T[Key]> };

/** Evidence of an answer whose shape is not known. */
export type EvidenceTree = FieldEvidence | EvidenceTree[] | { [key: string]: EvidenceTree };

/** The tree of an answer's JSON with each leaf replaced. */
export function mapTree(node: JsonNode, replace: (leaf: LeafNode) => FieldEvidence): EvidenceTree {
  if (node.kind === "leaf") return replace(node);
  if (node.kind === "array") return node.items.map((item) => mapTree(item, replace));
  return Object.fromEntries(node.entries.map(([key, value]) => [key, mapTree(value, replace)]));
}

/** Whether it is a value's evidence; an object of the answer is none, as its own values are evidence, and no numbers. */
export function isFieldEvidence(tree: unknown): tree is FieldEvidence {
  return typeof tree === "object" && tree !== null && typeof (tree as FieldEvidence).confidence === "number";
}

/** Each value of a tree with its path, in the order of the answer. */
export function* evidenceEntries(
  tree: unknown,
  path: readonly (string | number)[] = [],
): Generator<[path: readonly (string | number)[], evidence: FieldEvidence]> {
  if (isFieldEvidence(tree)) yield [path, tree];
  else if (Array.isArray(tree)) for (const [i, item] of tree.entries()) yield* evidenceEntries(item, [...path, i]);
  else if (typeof tree === "object" && tree !== null) {
    for (const [key, value] of Object.entries(tree)) yield* evidenceEntries(value, [...path, key]);
  }
}
