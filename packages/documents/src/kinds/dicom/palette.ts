import { damaged } from "../../decoder/fault.js";
import type { DataSet } from "./data-set.js";
import { readDescriptor, readEntries } from "./lookup-table.js";
import { tags } from "./tags.js";
import type { Numbers } from "./samples.js";

/** Colours of indices, PS3.3 section C.7.6.3.1.5. */
export interface Palette {
  /** The index of the first colour. Lower ones get it too, higher ones the last. */
  readonly first: number;
  /** Of 8 bits. */
  readonly red: Uint8Array;
  readonly green: Uint8Array;
  readonly blue: Uint8Array;
}

/**
 * The palette of a file.
 *
 * @throws Fault `DOCUMENT_DECODE` where it is not whole
 */
export function readPalette(dataSet: DataSet, signed: boolean): Palette {
  const channels = [0, 1, 2].map((channel) => readChannel(dataSet, channel, signed));
  const bits = paletteBits(channels);
  const [red, green, blue] = channels.map(({ entries }) => Uint8Array.from(entries, (entry) => entry >> (bits - 8)));
  return { first: channels[0]!.first, red: red!, green: green!, blue: blue! };
}

/** Bits of the entries as they are: some writers say 16 and write 8. */
function paletteBits(
  channels: readonly { readonly entries: Uint16Array | Uint8Array; readonly bits: number }[],
): number {
  const bits = channels[0]!.bits;
  if (bits <= 8) return 8;
  return channels.every(({ entries }) => entries.every((entry) => entry < 256)) ? 8 : bits;
}

function readChannel(dataSet: DataSet, channel: number, signed: boolean) {
  const descriptor = readDescriptor(dataSet.numbers(tags.paletteDescriptor + channel), signed);
  if (descriptor === undefined) throw damaged("the DICOM picture has colours by number and no palette");
  const { count, first, bits } = descriptor;
  const { littleEndian } = dataSet.encoding;
  const plain = dataSet.value(tags.paletteData + channel);
  const segmented = dataSet.value(tags.segmentedPaletteData + channel);
  const entries =
    plain !== undefined
      ? readEntries(plain, count, bits, littleEndian)
      : segmented && expand(segmented, count, bits, littleEndian);
  if (entries === undefined || (bits !== 8 && bits !== 16)) throw damaged("the DICOM picture's palette is not whole");
  return { first, bits, entries };
}

const DISCRETE = 0;
const LINEAR = 1;
const INDIRECT = 2;

/** Writes out the segments of a palette, PS3.3 section C.7.9.2; undefined where they are not whole. */
function expand(data: Uint8Array, count: number, bits: number, littleEndian: boolean): Uint16Array | undefined {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const size = bits > 8 ? 2 : 1;
  const read = (at: number) =>
    size === 2 ? view.getUint16(at, littleEndian) : view.getUint8(littleEndian ? at : at ^ 1);
  const entries = new Uint16Array(count);
  let filled = 0;
  // Offsets of segments count bytes; a segment that repeats others may not repeat one that does so itself.
  const run = (from: number, segments: number, nested: boolean): boolean => {
    let at = from;
    for (let done = 0; done < segments && filled < count && at + 2 * size <= data.length; done++) {
      const kind = read(at);
      const length = read(at + size);
      at += 2 * size;
      if (kind === DISCRETE) {
        if (at + length * size > data.length) return false;
        for (let n = 0; n < length && filled < count; n++) entries[filled++] = read(at + n * size);
        at += length * size;
      } else if (kind === LINEAR) {
        if (filled === 0 || at + size > data.length) return false;
        const start = entries[filled - 1]!;
        const end = read(at);
        for (let n = 1; n <= length && filled < count; n++)
          entries[filled++] = Math.round(start + ((end - start) * n) / length);
        at += size;
      } else if (kind === INDIRECT && !nested) {
        // The offset takes 32 bits: two words, or four bytes.
        if (at + 4 > data.length) return false;
        const offset =
          size === 2
            ? read(at) + read(at + 2) * 0x10000
            : [0, 1, 2, 3].reduce((sum, n) => sum + read(at + n) * 2 ** (8 * n), 0);
        at += 4;
        if (!run(offset, length, true)) return false;
      } else {
        return false;
      }
    }
    return true;
  };
  return run(0, Infinity, false) && filled === count ? entries : undefined;
}

/** RGB of 8 bits. */
export function renderPalette(indices: Numbers, { first, red, green, blue }: Palette): Uint8Array {
  const data = new Uint8Array(indices.length * 3);
  const last = red.length - 1;
  for (let at = 0, to = 0; at < indices.length; at++) {
    const index = Math.min(last, Math.max(0, indices[at]! - first));
    data[to++] = red[index]!;
    data[to++] = green[index] ?? 0;
    data[to++] = blue[index] ?? 0;
  }
  return data;
}
