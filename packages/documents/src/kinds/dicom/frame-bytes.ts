import { damaged } from "../../decoder/fault.js";
import type { DataElement, DataSet, Fragment } from "./data-set.js";
import { tags } from "./tags.js";

/** The bytes of the frames of an encapsulated picture, PS3.5 section A.4. */
export class EncapsulatedFrames {
  readonly #bytes: Uint8Array;
  readonly #frames: readonly (readonly Fragment[])[];

  /** REQUIRES: the element has fragments */
  constructor(dataSet: DataSet, element: DataElement, frames: number) {
    this.#bytes = dataSet.bytes;
    this.#frames = group(dataSet, element.fragments ?? [], frames);
  }

  /** @throws Fault where the file has no such frame */
  frame(index: number): Uint8Array {
    const fragments = this.#frames[index];
    if (fragments === undefined || fragments.length === 0) throw damaged("the file has fewer frames than it says");
    const parts = fragments.map(({ offset, length }) => this.#bytes.subarray(offset, offset + length));
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  }
}

/** Which fragments make which frame: by a table where one fits, else by what the fragments begin with. */
function group(dataSet: DataSet, [table, ...fragments]: readonly Fragment[], frames: number): Fragment[][] {
  if (table === undefined) return [];
  if (frames === 1) return [fragments];
  if (fragments.length === frames) return fragments.map((fragment) => [fragment]);
  const base = table.offset + table.length;
  for (const offsets of [extendedOffsets(dataSet), basicOffsets(dataSet, table)]) {
    const starts = new Set(offsets.map((offset) => offset + base + 8));
    const groups = split(fragments, ({ offset }) => starts.has(offset));
    if (groups.length === frames) return groups;
  }
  return split(fragments, (fragment) => isStart(dataSet.bytes, fragment));
}

function split(fragments: readonly Fragment[], begins: (fragment: Fragment) => boolean): Fragment[][] {
  const groups: Fragment[][] = [];
  for (const fragment of fragments) {
    if (groups.length === 0 || begins(fragment)) groups.push([fragment]);
    else groups.at(-1)!.push(fragment);
  }
  return groups;
}

function basicOffsets(dataSet: DataSet, { offset, length }: Fragment): number[] {
  const view = new DataView(dataSet.bytes.buffer, dataSet.bytes.byteOffset + offset, length);
  return Array.from({ length: Math.floor(length / 4) }, (_, index) => view.getUint32(index * 4, true));
}

function extendedOffsets(dataSet: DataSet): number[] {
  const value = dataSet.value(tags.extendedOffsetTable);
  if (value === undefined) return [];
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  return Array.from({ length: Math.floor(value.length / 8) }, (_, index) => Number(view.getBigUint64(index * 8, true)));
}

/** JPEG and JPEG-LS begin with SOI, JPEG 2000 with SOC or the signature of its file format. */
function isStart(bytes: Uint8Array, { offset, length }: Fragment): boolean {
  if (length < 12 || bytes[offset] !== 0xff) return bytes[offset + 4] === 0x6a && bytes[offset + 5] === 0x50;
  return (
    (bytes[offset + 1] === 0xd8 && bytes[offset + 2] === 0xff) ||
    (bytes[offset + 1] === 0x4f && bytes[offset + 2] === 0xff)
  );
}
