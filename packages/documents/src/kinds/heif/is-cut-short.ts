/** Of a box: its size and type; a size of 1 stands in 8 bytes behind them. */
const HEADER_BYTES = 8;
const LONG_SIZE = 1;
const TO_THE_END = 0;

/**
 * Whether the boxes of an ISO base media file (ISO 14496-12, 4.2) say that it was longer. libheif shows what is left of such a
 * picture, as if that were all.
 */
export function isCutShort(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  while (at + HEADER_BYTES <= bytes.byteLength) {
    const size = view.getUint32(at);
    if (size === TO_THE_END) return false;
    if (size === LONG_SIZE && at + 2 * HEADER_BYTES > bytes.byteLength) return true;
    const length = size === LONG_SIZE ? Number(view.getBigUint64(at + HEADER_BYTES)) : size;
    if (length < HEADER_BYTES) return false; // no box: whatever is behind the last one
    at += length;
  }
  return at > bytes.byteLength;
}
