import type { Encoding } from "./data-set.js";
import { hasLongLength } from "./value-representation.js";

const ITEM = 0xfffee000;
const SEQUENCE_END = 0xfffee0dd;
const UNDEFINED = 0xffffffff;
const MOST_SHORT = 0xfffe;

/** An element with a value that is complete: padded here to an even length, PS3.5 section 7.1. */
export function writeElement(tag: number, vr: string, value: Uint8Array, encoding: Encoding): Uint8Array {
  const odd = value.length % 2;
  const length = value.length + odd;
  const header = writeHeader(tag, vr, length, encoding);
  const element = new Uint8Array(header.length + length);
  element.set(header);
  element.set(value, header.length);
  if (odd === 1) element[element.length - 1] = paddingOf(vr);
  return element;
}

/** A sequence of items that are written. */
export function writeSequence(tag: number, items: readonly Uint8Array[], encoding: Encoding): Uint8Array {
  const parts = items.flatMap((item) => [delimiter(ITEM, item.length, encoding), item]);
  return writeElement(tag, "SQ", Buffer.concat(parts), encoding);
}

/** An encapsulated value, whose parts are written already. */
export function writeEncapsulated(tag: number, vr: string, parts: Uint8Array, encoding: Encoding): Uint8Array {
  return Buffer.concat([writeHeader(tag, vr, UNDEFINED, encoding), parts, delimiter(SEQUENCE_END, 0, encoding)]);
}

function writeHeader(tag: number, vr: string, length: number, { explicit, littleEndian }: Encoding): Uint8Array {
  // What is too long for its VR's header is written as unknown: PS3.5 section 6.2.2.
  const written = explicit && !hasLongLength(vr) && length > MOST_SHORT ? "UN" : vr;
  const isLong = explicit && hasLongLength(written);
  const header = new Uint8Array(isLong ? 12 : 8);
  const view = new DataView(header.buffer);
  writeTag(view, tag, littleEndian);
  if (explicit) {
    header[4] = written.charCodeAt(0);
    header[5] = written.charCodeAt(1);
  }
  if (explicit && !isLong) view.setUint16(6, length, littleEndian);
  else view.setUint32(isLong ? 8 : 4, length, littleEndian);
  return header;
}

function delimiter(tag: number, length: number, { littleEndian }: Encoding): Uint8Array {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  writeTag(view, tag, littleEndian);
  view.setUint32(4, length, littleEndian);
  return bytes;
}

function writeTag(view: DataView, tag: number, littleEndian: boolean): void {
  view.setUint16(0, tag >>> 16, littleEndian);
  view.setUint16(2, tag & 0xffff, littleEndian);
}

const paddingOf = (vr: string) => (["UI", "OB", "UN"].includes(vr) ? 0 : 0x20);
