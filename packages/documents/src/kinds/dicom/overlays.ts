import type { DataSet } from "./data-set.js";
import type { Picture } from "./picture.js";
import type { Samples } from "./samples.js";

const FIRST_GROUP = 0x6000;
const GROUPS = 16;

/** Elements of an overlay's group. */
const element = {
  rows: 0x0010,
  columns: 0x0011,
  frames: 0x0015,
  origin: 0x0050,
  firstFrame: 0x0051,
  bitsAllocated: 0x0100,
  bitPosition: 0x0102,
  data: 0x3000,
};

/** A plane of bits over a frame, PS3.3 section C.9.2. */
interface Overlay {
  readonly rows: number;
  readonly columns: number;
  /** Of its first pixel on the picture, from 0. */
  readonly top: number;
  readonly left: number;
  /** @param at of one of its pixels, row by row */
  readonly isSet: (at: number) => boolean;
}

/**
 * Draws the overlays of a frame in white: marks and text that the picture was stored with.
 *
 * @param page grey or RGB of 8 bits, of the picture's size; changed
 * @param index of the frame, from 0
 */
export function drawOverlays(
  page: Uint8Array,
  dataSet: DataSet,
  picture: Picture,
  samples: Samples,
  index: number,
): void {
  const channels = page.length / (picture.rows * picture.columns);
  for (let group = 0; group < GROUPS; group++) {
    const overlay = readOverlay(dataSet, (FIRST_GROUP + 2 * group) * 0x10000, picture, samples, index);
    if (overlay !== undefined) draw(page, channels, picture, overlay);
  }
}

function draw(
  page: Uint8Array,
  channels: number,
  picture: Picture,
  { rows, columns, top, left, isSet }: Overlay,
): void {
  for (let y = Math.max(0, top); y < Math.min(picture.rows, top + rows); y++) {
    for (let x = Math.max(0, left); x < Math.min(picture.columns, left + columns); x++) {
      if (!isSet((y - top) * columns + x - left)) continue;
      const at = (y * picture.columns + x) * channels;
      page.fill(255, at, at + channels);
    }
  }
}

function readOverlay(
  dataSet: DataSet,
  group: number,
  picture: Picture,
  { cells }: Samples,
  index: number,
): Overlay | undefined {
  const rows = dataSet.number(group + element.rows);
  const columns = dataSet.number(group + element.columns);
  if (rows === undefined || columns === undefined) return undefined;
  const first = (dataSet.number(group + element.firstFrame) ?? 1) - 1;
  const frames = dataSet.number(group + element.frames) ?? 1;
  // One plane without frames of its own lies over all frames.
  const isCommon = frames === 1 && dataSet.get(group + element.firstFrame) === undefined;
  const frame = isCommon ? 0 : index - first;
  if (frame < 0 || frame >= frames) return undefined;
  const [row, column] = dataSet.numbers(group + element.origin);
  const place = { rows, columns, top: (row ?? 1) - 1, left: (column ?? 1) - 1 };

  const stored = dataSet.get(group + element.data);
  if (stored === undefined) {
    const position = dataSet.number(group + element.bitPosition) ?? 0;
    const isEmbedded = (dataSet.number(group + element.bitsAllocated) ?? 1) > 1;
    if (!isEmbedded || cells === undefined || position >= cells.precision || picture.samples !== 1) return undefined;
    if (rows !== picture.rows || columns !== picture.columns) return undefined;
    return { ...place, isSet: (at) => ((cells.data[at]! >>> position) & 1) === 1 };
  }
  const bits = dataSet.value(group + element.data) ?? new Uint8Array();
  const offset = frame * rows * columns;
  const swap = !dataSet.encoding.littleEndian && stored.vr === "OW" ? 1 : 0;
  return {
    ...place,
    isSet: (at) => (((bits[((offset + at) >> 3) ^ swap] ?? 0) >> ((offset + at) & 7)) & 1) === 1,
  };
}
