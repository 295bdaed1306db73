import { damaged, unsupported } from "../../../../decoder/fault.js";
import { BitReader } from "./bit-reader.js";
import { inverseDct } from "./inverse-dct.js";
import type { Component, FrameHeader, JpegSegments, Scan } from "./segments.js";

/** The place of each coefficient of a block in the order in which they come, ITU-T T.81 figure A.6. */
const zigzag = [
  0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
  35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47,
  55, 62, 63,
];

/** A component's samples, in whole blocks. */
interface Plane extends Component {
  readonly stride: number;
  readonly rows: number;
  /** Blocks that hold something of the picture: those of a scan of this component alone. */
  readonly blocksAcross: number;
  readonly blocksDown: number;
  readonly samples: Uint16Array;
}

/**
 * Decodes a sequential DCT picture of up to 12 bits: process 4 of ITU-T T.81, extended. libjpeg-turbo's WASM build has 8 bits alone;
 * dcmjs-codecs has the process and brings 40 MB of other things with it.
 *
 * @returns samples in the order of the pixels, each pixel's together
 * @throws Fault
 */
export function decodeSequential(segments: JpegSegments): Uint16Array {
  const frame = segments.frame();
  if (frame.process !== 0xc0 && frame.process !== 0xc1) {
    throw unsupported("its JPEG process is progressive or arithmetic with more than 8 bits, which is not read");
  }
  const { planes, hMax, vMax } = planesOf(frame);
  const seen = new Set<number>();
  for (let scan = segments.nextScan(); scan !== undefined; scan = segments.nextScan()) {
    const bits = new BitReader(segments.bytes, scan.offset);
    decodeScan(scan, bits, frame, planes, hMax, vMax);
    for (const { id } of scan.components) seen.add(id);
    if (seen.size === planes.length) break;
    segments.skipTo(bits.end());
  }
  if (seen.size < planes.length) throw damaged("its JPEG stream is cut short: not all colours are there");
  return interleave(frame, planes, hMax, vMax);
}

function planesOf(frame: FrameHeader) {
  const factors = frame.components.flatMap(({ h, v }) => [h, v]);
  if (factors.length === 0 || factors.some((factor) => factor < 1 || factor > 4)) {
    throw damaged("its JPEG stream has a damaged frame header");
  }
  const hMax = Math.max(...frame.components.map(({ h }) => h));
  const vMax = Math.max(...frame.components.map(({ v }) => v));
  const across = Math.ceil(frame.width / (8 * hMax));
  const down = Math.ceil(frame.height / (8 * vMax));
  const planes = frame.components.map((component): Plane => {
    const stride = across * component.h * 8;
    const rows = down * component.v * 8;
    return {
      ...component,
      stride,
      rows,
      blocksAcross: Math.ceil(Math.ceil((frame.width * component.h) / hMax) / 8),
      blocksDown: Math.ceil(Math.ceil((frame.height * component.v) / vMax) / 8),
      samples: new Uint16Array(stride * rows),
    };
  });
  return { planes, hMax, vMax };
}

function decodeScan(
  scan: Scan,
  bits: BitReader,
  frame: FrameHeader,
  planes: Plane[],
  hMax: number,
  vMax: number,
): void {
  const parts = scan.components.map(({ id, dc, ac }) => {
    const plane = planes.find((candidate) => candidate.id === id);
    const dcTable = scan.dcTables[dc];
    const acTable = scan.acTables[ac];
    const quantisation = plane && scan.quantisations[plane.quantisation];
    if (plane === undefined || dcTable === undefined || acTable === undefined || quantisation === undefined) {
      throw damaged("its JPEG stream names tables or components that it does not have");
    }
    return { plane, dcTable, acTable, quantisation, predicted: 0 };
  });
  const single = parts.length === 1;
  const across = single ? parts[0]!.plane.blocksAcross : Math.ceil(frame.width / (8 * hMax));
  const down = single ? parts[0]!.plane.blocksDown : Math.ceil(frame.height / (8 * vMax));
  const coefficients = new Float64Array(64);
  for (let unit = 0; unit < across * down; unit++) {
    if (scan.restartInterval > 0 && unit > 0 && unit % scan.restartInterval === 0) {
      bits.restart();
      for (const part of parts) part.predicted = 0;
    }
    const x = unit % across;
    const y = Math.floor(unit / across);
    for (const part of parts) {
      const { plane } = part;
      const h = single ? 1 : plane.h;
      const v = single ? 1 : plane.v;
      for (let block = 0; block < h * v; block++) {
        coefficients.fill(0);
        part.predicted += bits.difference(checkedSize(part.dcTable.decode(bits)));
        coefficients[0] = part.predicted * part.quantisation[0]!;
        for (let k = 1; k < 64; k++) {
          const symbol = part.acTable.decode(bits);
          const size = symbol & 15;
          if (size === 0) {
            if (symbol !== 0xf0) break;
            k += 15;
            continue;
          }
          k += symbol >> 4;
          if (k > 63) throw damaged("its JPEG data is damaged");
          coefficients[zigzag[k]!] = bits.difference(size) * part.quantisation[k]!;
        }
        const column = (x * h + (block % h)) * 8;
        const row = (y * v + Math.floor(block / h)) * 8;
        inverseDct(coefficients, plane.samples, row * plane.stride + column, plane.stride, frame.precision);
      }
    }
  }
}

function checkedSize(size: number): number {
  if (size > 16) throw damaged("its JPEG data is damaged");
  return size;
}

/** Samples of components with fewer rows or columns are repeated. */
function interleave(frame: FrameHeader, planes: Plane[], hMax: number, vMax: number): Uint16Array {
  const { width, height } = frame;
  const data = new Uint16Array(width * height * planes.length);
  planes.forEach((plane, index) => {
    for (let y = 0, to = index; y < height; y++) {
      const row = Math.floor((y * plane.v) / vMax) * plane.stride;
      for (let x = 0; x < width; x++, to += planes.length) {
        data[to] = plane.samples[row + Math.floor((x * plane.h) / hMax)]!;
      }
    }
  });
  return data;
}
