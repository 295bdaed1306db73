import type { AnnotateResult, AnnotateRow } from "medinfer";

/** A line of the table. All of its fields are there in each; what a row has not is null. */
export interface Row {
  id: string;
  /** As it was named, or found in a folder that was. */
  file: string;
  text: string;
  /** The value of the answer, with a JSON schema, where the answer is whole. */
  parsed: unknown;
  finishReason: string | null;
  usage: { promptTokens: number; completionTokens: number } | null;
  error: { code: string; message: string } | null;
}

/** A file to be read. */
export interface FileRow extends AnnotateRow {
  id: string;
  /** An absolute path: another could be taken for a URL. */
  image: string;
  /** The path as users know it. */
  file: string;
}

export function rowOf({ row, text, parsed, finishReason, usage, error }: AnnotateResult<FileRow>): Row {
  return {
    id: row.id,
    file: row.file,
    text,
    parsed: parsed ?? null,
    finishReason: finishReason ?? null,
    usage: usage === undefined ? null : { promptTokens: usage.promptTokens, completionTokens: usage.completionTokens },
    error: error === undefined ? null : { code: error.code, message: error.message },
  };
}
