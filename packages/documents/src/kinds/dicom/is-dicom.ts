import { isVr } from "./value-representation.js";

/** Bytes from the beginning that isDicom looks at. */
export const DICOM_HEAD_BYTES = 140;
const PREAMBLE = 128;

/**
 * Whether a file is DICOM by its first DICOM_HEAD_BYTES: `DICM` behind the preamble, whatever the preamble looks like (a TIFF's, where
 * the file is both); or a data set without either, as some archives store it.
 */
export function isDicom(head: Uint8Array): boolean {
  return hasPreamble(head) || isBare(head);
}

/** Where the meta information begins. REQUIRES: isDicom */
export const metaOffset = (bytes: Uint8Array) => (hasPreamble(bytes) ? PREAMBLE + 4 : hasPrefix(bytes, 0) ? 4 : 0);

const hasPrefix = (bytes: Uint8Array, at: number) =>
  bytes[at] === 0x44 && bytes[at + 1] === 0x49 && bytes[at + 2] === 0x43 && bytes[at + 3] === 0x4d;

const hasPreamble = (bytes: Uint8Array) => hasPrefix(bytes, PREAMBLE);

/**
 * Whether it begins with the first elements of a data set: a low element of group 2 or 8 with a VR, or with the short length of
 * an implicit one. No other format that is read begins so.
 */
function isBare(head: Uint8Array): boolean {
  if (head.length < 16) return false;
  if (hasPrefix(head, 0)) return head[4] === 2 && head[5] === 0;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  return [true, false].some((littleEndian) => {
    const group = view.getUint16(0, littleEndian);
    const element = view.getUint16(2, littleEndian);
    if ((group !== 2 && group !== 8) || element > 0x18) return false;
    if (isVr(String.fromCharCode(head[4]!, head[5]!))) return true;
    return littleEndian && group === 8 && view.getUint32(4, true) <= 64;
  });
}
