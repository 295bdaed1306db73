import { types } from "node:util";
import { isBlob } from "../images/blob.js";
import { toUrl } from "../url.js";

/** Whether a value is a DocumentSource, without looking whether there is a document behind it. */
export function isDocumentSource(value: unknown): boolean {
  if (typeof value === "string") return value !== "";
  return types.isUint8Array(value) || types.isArrayBuffer(value) || toUrl(value) !== undefined || isBlob(value);
}
