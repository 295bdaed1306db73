import type { DataSet } from "./data-set.js";
import { tags } from "./tags.js";

/** A table from stored numbers to others, PS3.3 section C.11.1. */
export interface LookupTable {
  /** The number to which the first entry belongs. Lower ones get the first entry, higher ones the last. */
  readonly first: number;
  readonly entries: Uint16Array | Uint8Array;
  /** Of an entry. */
  readonly bits: number;
}

/** What a descriptor says: how many entries, from which number on, of how many bits. */
export function readDescriptor(values: readonly number[], signed: boolean) {
  const [count, first, bits] = values;
  if (count === undefined || first === undefined || bits === undefined) return undefined;
  // Whether its VR is US or SS is often wrong: the sign is that of the samples.
  const number = signed ? (first << 16) >> 16 : first & 0xffff;
  return { count: (count & 0xffff) === 0 ? 65536 : count & 0xffff, first: number, bits };
}

/** The table of an item of a Modality or VOI LUT sequence; undefined where it has no whole one. */
export function readLookupTable(item: DataSet, signed: boolean): LookupTable | undefined {
  const descriptor = readDescriptor(item.numbers(tags.lutDescriptor), signed);
  const data = item.value(tags.lutData);
  if (descriptor === undefined || data === undefined) return undefined;
  const { count, first, bits } = descriptor;
  if (bits < 1 || bits > 16) return undefined;
  const entries = readEntries(data, count, bits, item.encoding.littleEndian);
  return entries && { first, entries, bits };
}

/** Entries of 8 bits stand two in a word, or one in each: their number says which. */
export function readEntries(data: Uint8Array, count: number, bits: number, littleEndian: boolean) {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  if (data.length >= count * 2)
    return Uint16Array.from({ length: count }, (_, at) => view.getUint16(at * 2, littleEndian));
  if (bits > 8 || data.length < count) return undefined;
  if (littleEndian) return data.slice(0, count);
  // In big endian words the first of two bytes is the second entry.
  return Uint8Array.from({ length: count }, (_, at) => data[at ^ 1] ?? data[at]!);
}

/** The entry of a number. */
export function lookUp({ entries, first }: LookupTable, value: number): number {
  const index = Math.min(entries.length - 1, Math.max(0, Math.round(value) - first));
  return entries[index]!;
}
