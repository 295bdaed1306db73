/** An answer's values with what speaks for them. */
import { leavesOf, readJson, type JsonNode, type Path } from "./answer/json-tree.js";
import { TokenPlaces, type DrawnToken } from "./answer/tokens.js";
import { checkCalibration, confidenceOf, type Calibration } from "./confidence/calibration.js";
import { scoreValues } from "./confidence/scores.js";
import { mapTree, type Evidence, type FieldEvidence } from "./evidence.js";
import { locate, type Found } from "./text-layer/locate.js";
import type { EvidencePage } from "./text-layer/types.js";
import { labelsOf } from "./labels.js";

/** A result of `engine.chat` or `engine.annotate` with `jsonSchema` and `nProbs: 1`, and what is known beside it. */
export interface EvidenceOptions<T = unknown> {
  /** The answer: one JSON value. */
  readonly text: string;
  /** Gives the evidence its type; the values are read from `text`. */
  readonly parsed?: T;
  /** The drawn tokens. Those of a server are `fromOpenAi(choice.logprobs.content)`. */
  readonly logprobs?: readonly DrawnToken[];
  /** What the model was shown, in order. Of one page alone all values are. */
  readonly pages?: readonly EvidencePage[];
  /** The form of the answer: titles in it help to tell which of several places is meant. */
  readonly schema?: unknown;
  /** See {@link confidenceOf}. Default: none, and confidences are the model's own probabilities. */
  readonly calibration?: Calibration;
}

export interface AnswerEvidence<T = unknown> {
  /** In the shape of the answer. */
  readonly fields: Evidence<T>;
  /** Whether a calibration made confidences out of probabilities. */
  readonly calibrated: boolean;
}

/**
 * Finds for each value of an answer how likely it is right and where it stands.
 * @throws ExtractError `BAD_ANSWER` (a text that is cut), `BAD_TOKENS` (logprobs that are missing or of another text),
 *   `BAD_CALIBRATION`
 */
export function evidenceOf<T = unknown>(options: EvidenceOptions<T>): AnswerEvidence<T> {
  const { text, logprobs, pages = [], schema } = options;
  const calibration = options.calibration && checkCalibration(options.calibration);
  const tree: JsonNode = readJson(text);
  const leaves = leavesOf(tree);
  const scores = scoreValues(leaves, new TokenPlaces(text, logprobs));
  const sought = leaves.map((leaf) => ({
    leaf,
    literal: text.slice(leaf.start, leaf.end),
    labels: labelsOf(leaf.path, schema),
  }));
  const found = locate(sought, pages);
  const only = pages.length === 1 ? pages[0]!.number : undefined;
  const evidence = new Map<Path, FieldEvidence>();
  for (const [i, { leaf, literal }] of sought.entries()) {
    evidence.set(leaf.path, {
      value: leaf.value,
      ...whereOf(found[i], only, leaf.value === null ? "" : typeof leaf.value === "string" ? leaf.value : literal),
      confidence: confidenceOf(scores[i]!, calibration),
    });
  }
  const fields = mapTree(tree, (leaf) => evidence.get(leaf.path)!) as Evidence<T>;
  return { fields, calibrated: calibration !== undefined };
}

function whereOf(
  found: Found | undefined,
  only: number | undefined,
  answered: string,
): Pick<FieldEvidence, "text" | "page" | "box" | "lines" | "source"> {
  if (found === undefined) return { text: answered, ...(only !== undefined && { page: only }), source: "model" };
  const { page, place } = found;
  return {
    text: place?.text ?? answered,
    ...(page !== undefined && { page }),
    ...(place && { box: place.box }),
    ...(place && place.lines.length > 1 && { lines: place.lines }),
    source: "text-layer",
  };
}
