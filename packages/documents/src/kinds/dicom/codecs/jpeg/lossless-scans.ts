import { damaged, unsupported } from "../../../../decoder/fault.js";
import { BitReader } from "./bit-reader.js";
import type { HuffmanTable } from "./huffman-table.js";
import type { FrameHeader, JpegSegments, Scan } from "./segments.js";

/** What of a component is decoded. */
interface Part {
  readonly table: HuffmanTable;
  /** Of the first of its samples. */
  readonly index: number;
}

/**
 * Decodes a lossless picture: process 14 of ITU-T T.81, annex H, with any predictor. jpeg-lossless-decoder-js is not used for it:
 * version 2.1.2 gives a whole picture, and no error, for half of a stream, and no colours of more than 8 bits.
 *
 * @returns samples in the order of the pixels, each pixel's together
 * @throws Fault
 */
export function decodeLossless(segments: JpegSegments): Uint16Array {
  const frame = segments.frame();
  if (frame.process !== 0xc3) throw unsupported("its JPEG process is not the lossless one that is read");
  if (frame.components.some(({ h, v }) => h !== 1 || v !== 1)) {
    throw unsupported("its lossless JPEG stream has colours of a lower resolution, which is not read");
  }
  const data = new Uint16Array(frame.width * frame.height * frame.components.length);
  const seen = new Set<number>();
  for (let scan = segments.nextScan(); scan !== undefined; scan = segments.nextScan()) {
    const bits = new BitReader(segments.bytes, scan.offset);
    const parts = partsOf(scan, frame);
    decodeScan(scan, bits, frame, parts, data);
    for (const { index } of parts) seen.add(index);
    if (seen.size === frame.components.length) break;
    segments.skipTo(bits.end());
  }
  if (seen.size < frame.components.length) throw damaged("its JPEG stream is cut short: not all colours are there");
  return data;
}

function partsOf(scan: Scan, frame: FrameHeader): Part[] {
  return scan.components.map(({ id, dc }) => {
    const index = frame.components.findIndex((component) => component.id === id);
    const table = scan.dcTables[dc];
    if (index < 0 || table === undefined) {
      throw damaged("its JPEG stream names tables or components that it does not have");
    }
    return { table, index };
  });
}

function decodeScan(scan: Scan, bits: BitReader, frame: FrameHeader, parts: Part[], data: Uint16Array): void {
  const { width, height, precision } = frame;
  const { start: predictor, low, restartInterval } = scan;
  if (predictor < 1 || predictor > 7 || low >= precision) throw damaged("its JPEG stream has a damaged scan header");
  const step = frame.components.length;
  const stride = width * step;
  const initial = 2 ** (precision - low - 1);
  // The row that begins anew: what is above it does not predict. Restarts fall on beginnings of rows: H.1.2.1 asks for it.
  let firstRow = 0;
  let left = restartInterval === 0 ? Infinity : restartInterval;
  if (restartInterval % width !== 0)
    throw unsupported("its lossless JPEG stream restarts within rows, which is not read");
  for (let y = 0; y < height; y++) {
    if (left <= 0) {
      bits.restart();
      left = restartInterval;
      firstRow = y;
    }
    for (let x = 0; x < width; x++) {
      for (const { table, index } of parts) {
        const at = y * stride + x * step + index;
        data[at] = predict(data, at, step, stride, x, y - firstRow, predictor, initial) + difference(table, bits);
      }
    }
    left -= width;
  }
  if (low === 0) return;
  for (const { index } of parts) {
    for (let at = index; at < data.length; at += step) data[at] = data[at]! << low;
  }
}

/** Of one sample, ITU-T T.81 H.1.2.1. Sums are taken modulo 2^16 where they are stored. */
function predict(
  data: Uint16Array,
  at: number,
  step: number,
  stride: number,
  x: number,
  y: number,
  predictor: number,
  initial: number,
): number {
  if (y === 0) return x === 0 ? initial : data[at - step]!;
  const above = data[at - stride]!;
  if (x === 0) return above;
  const before = data[at - step]!;
  const corner = data[at - stride - step]!;
  switch (predictor) {
    case 1:
      return before;
    case 2:
      return above;
    case 3:
      return corner;
    case 4:
      return before + above - corner;
    case 5:
      return before + ((above - corner) >> 1);
    case 6:
      return above + ((before - corner) >> 1);
    default:
      return (before + above) >> 1;
  }
}

function difference(table: HuffmanTable, bits: BitReader): number {
  const size = table.decode(bits);
  if (size < 16) return bits.difference(size);
  if (size > 16) throw damaged("its JPEG data is damaged");
  return 32768;
}
