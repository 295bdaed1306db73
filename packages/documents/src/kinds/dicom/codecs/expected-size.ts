import { damaged } from "../../../decoder/fault.js";
import type { Picture } from "../picture.js";

/** What a stream says of itself. */
export interface StreamSize {
  readonly width: number;
  readonly height: number;
  readonly components: number;
}

/**
 * Holds a stream's size against the file's, which was held against the budgets: before a decoder makes room for what the stream says.
 *
 * @throws Fault `DOCUMENT_DECODE`
 */
export function checkSize(stream: StreamSize, { columns, rows, samples }: Picture, what: string): void {
  if (stream.width === columns && stream.height === rows && stream.components === samples) return;
  throw damaged(
    `its ${what} data has ${stream.width} by ${stream.height} pixels of ${stream.components} samples, ` +
      `and the file says ${columns} by ${rows} of ${samples}`,
  );
}
