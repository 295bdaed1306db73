import type { Answer, Compute } from "@medinfer/batch";
import { evidenceOf, type Calibration, type EvidenceTree } from "@medinfer/extract";
import type { DocumentPages, PageFacts } from "./document-pages.js";

/** What is stored of a row that is done. */
export interface RowValue extends Omit<Answer, "logprobs"> {
  /** The page that was read: its size in points, in which boxes are. */
  page: Omit<PageFacts, "text"> | null;
  /** Each value with what speaks for it, where the run asks for evidence. */
  fields?: EvidenceTree;
  /** Whether a calibration made the confidences in `fields` out of the model's probabilities. */
  calibrated?: boolean;
}

/**
 * Adds the page to answers and, where their tokens were asked for, evidence of their values from the page's text layer. The tokens
 * themselves and the text are not kept: they take several times the room.
 *
 * @param calibration of the model; undefined: there is none
 */
export function toRowValues(compute: Compute, pages: DocumentPages, calibration: Calibration | undefined): Compute {
  return async (row, context): Promise<RowValue> => {
    const { logprobs, ...answer } = (await compute(row, context)) as Answer;
    const { text: layer, ...page } = pages.factsOf(row) ?? {};
    const value = { ...answer, page: "number" in page ? (page as Omit<PageFacts, "text">) : null };
    if (logprobs === undefined) return value;
    const shown = [{ number: row.page, ...(layer === undefined ? {} : { text: layer }) }];
    const { fields, calibrated } = evidenceOf({
      ...{ text: answer.text, logprobs, pages: shown, schema: row.ask.schema },
      ...(calibration === undefined ? {} : { calibration }),
    });
    return { ...value, fields, calibrated };
  };
}
