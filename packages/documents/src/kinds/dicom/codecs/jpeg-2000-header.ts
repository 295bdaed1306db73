import { damaged } from "../../../decoder/fault.js";
import type { StreamSize } from "./expected-size.js";

/** What the main header of a codestream says, ISO/IEC 15444-1 annex A. */
export interface Codestream extends StreamSize {
  readonly precision: number;
  readonly signed: boolean;
  /** Some component has fewer samples than the picture has pixels. */
  readonly subsampled: boolean;
  /** Its first three components were decorrelated. */
  readonly transformed: boolean;
  /** Its blocks are coded as part 15 says. */
  readonly highThroughput: boolean;
}

const SIZ = 0xff51;
const COD = 0xff52;
const SOT = 0xff90;

/** @throws Fault `DOCUMENT_DECODE` */
export function readCodestream(bytes: Uint8Array): Codestream {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = start(bytes) + 2;
  let size: Omit<Codestream, "transformed"> | undefined;
  let transformed: boolean | undefined;
  while (at + 4 <= bytes.length && (size === undefined || transformed === undefined)) {
    const marker = view.getUint16(at);
    const end = at + 2 + view.getUint16(at + 2);
    if (marker === SOT || marker < 0xff00 || end > bytes.length) break;
    const segment = new DataView(bytes.buffer, bytes.byteOffset + at, end - at);
    if (marker === SIZ) size = readSize(segment);
    if (marker === COD && segment.byteLength >= 9) transformed = segment.getUint8(8) === 1;
    at = end;
  }
  if (size === undefined || transformed === undefined) throw damaged("its JPEG 2000 stream has no whole header");
  return { ...size, transformed };
}

function readSize(segment: DataView) {
  if (segment.byteLength < 40) throw damaged("its JPEG 2000 stream has a damaged header");
  const components = segment.getUint16(38);
  if (components === 0 || segment.byteLength < 40 + components * 3)
    throw damaged("its JPEG 2000 stream has a damaged header");
  const depth = segment.getUint8(40);
  const parts = Array.from({ length: components }, (_, index) => 40 + index * 3);
  if (parts.some((at) => segment.getUint8(at) !== depth))
    throw damaged("its JPEG 2000 stream has colours of unequal depth");
  return {
    width: segment.getUint32(6) - segment.getUint32(14),
    height: segment.getUint32(10) - segment.getUint32(18),
    components,
    precision: (depth & 0x7f) + 1,
    signed: depth >= 0x80,
    subsampled: parts.some((at) => segment.getUint8(at + 1) !== 1 || segment.getUint8(at + 2) !== 1),
    // Bit 14 of the capabilities: a segment CAP follows, which only part 15 has.
    highThroughput: (segment.getUint16(4) & 0x4000) !== 0,
  };
}

/** The codestream begins the frame, or lies in the boxes of a JP2 file, which the standard forbids and some writers make. */
function start(bytes: Uint8Array): number {
  if (bytes[0] === 0xff && bytes[1] === 0x4f) return 0;
  const at = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).indexOf(
    Uint8Array.of(0xff, 0x4f, 0xff, 0x51),
  );
  if (at < 0 || bytes[4] !== 0x6a || bytes[5] !== 0x50) throw damaged("its data is no JPEG 2000 stream");
  return at;
}
