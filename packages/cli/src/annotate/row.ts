import { evidenceOf, type Calibration, type EvidenceTree } from "@medinfer/extract";
import type { AnnotateResult, AnnotateRow } from "medinfer";
import { isCut } from "../answer.js";

/** A line of the table. All of its fields are there in each; what a row has not is null. */
export interface Row {
  id: string;
  /** As it was named, or found in a folder that was. */
  file: string;
  /** From 1, of a document with pages; null: the file is one picture, or could not be opened. */
  page: number | null;
  pageCount: number | null;
  text: string;
  /** The value of the answer, with a JSON schema, where the answer is whole. */
  parsed: unknown;
  finishReason: string | null;
  usage: { promptTokens: number; completionTokens: number } | null;
  error: { code: string; message: string } | null;
  /** Each value with what speaks for it, where that is asked for; null: the row has no answer. */
  fields?: EvidenceTree | null;
}

/** A page, or a picture, to be read. */
export interface FileRow extends AnnotateRow {
  id: string;
  /** The path as users know it. */
  file: string;
  page: number | null;
  pageCount: number | null;
}

/** How evidence is made of answers. */
export interface EvidenceSettings {
  schema: unknown;
  /** Undefined: the model has none. */
  calibration: Calibration | undefined;
}

/** @param evidence undefined: none is asked for */
export function rowOf(result: AnnotateResult<FileRow>, evidence: EvidenceSettings | undefined): Row {
  const { row, text, parsed, finishReason, usage, error } = result;
  const { id, file, page, pageCount } = row;
  return {
    ...{ id, file, page, pageCount, text },
    parsed: parsed ?? null,
    finishReason: finishReason ?? null,
    usage: usage === undefined ? null : { promptTokens: usage.promptTokens, completionTokens: usage.completionTokens },
    error: error === undefined ? null : { code: error.code, message: error.message },
    ...(evidence === undefined ? {} : { fields: fieldsOf(result, evidence) }),
  };
}

/** An answer that was cut has a value, and no evidence. */
function fieldsOf(
  { text, finishReason, logprobs, pages }: AnnotateResult<FileRow>,
  { schema, calibration }: EvidenceSettings,
): EvidenceTree | null {
  if (finishReason === undefined || isCut({ finishReason })) return null;
  const shown = pages?.map(({ number, text: layer }) => ({ number, ...(layer === undefined ? {} : { text: layer }) }));
  const { fields } = evidenceOf({
    ...{ text, logprobs, schema, pages: shown ?? [{ number: 1 }] },
    ...(calibration === undefined ? {} : { calibration }),
  });
  return fields;
}
