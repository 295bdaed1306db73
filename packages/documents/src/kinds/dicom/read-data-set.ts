import { damaged, tooLarge, Fault } from "../../decoder/fault.js";
import { DataSet, type DataElement, type Encoding, type Fragment } from "./data-set.js";
import { attributeOf, hexOf } from "./dictionary.js";
import { hasLongLength, isVr } from "./value-representation.js";

const UNDEFINED = 0xffffffff;
const ITEM = 0xfffee000;
const ITEM_END = 0xfffee00d;
const SEQUENCE_END = 0xfffee0dd;
const PIXEL_REPRESENTATION = 0x00280103;

/** Sequences within sequences; real files have about ten. */
const MAX_DEPTH = 64;
/** Elements of a file. An enhanced picture of 10,000 frames has a million. */
const MAX_ELEMENTS = 4_000_000;

/** UN of undefined length is encoded so, whatever is around it: PS3.5 section 6.2.2. */
const unknownEncoding: Encoding = { explicit: false, littleEndian: true };

/** Where the elements of a data set are read from. */
interface Range {
  readonly start: number;
  readonly end: number;
}

/**
 * Reads the elements from `start` on, as PS3.5 chapter 7 lays them out. Every length is held against what is there.
 *
 * dicom-parser is not used for it: version 1.8.21 takes the lengths of OV, SV and UV for 16 bits, and loses its place in each file
 * with an extended offset table; and it guesses which elements of an implicit encoding are sequences, of which deidentify must be
 * sure.
 *
 * @param stopAfter reads no further than the first tag from this one on, which still is read: of broken tails nothing is noticed
 * @throws Fault `DOCUMENT_DECODE` where an element reaches past what holds it
 */
export function readDataSet(bytes: Uint8Array, start: number, encoding: Encoding, stopAfter = Infinity): DataSet {
  return new Reader(bytes, stopAfter).dataSet({ start, end: bytes.length }, encoding);
}

/**
 * Reads elements while they are of one group: the file's meta information.
 *
 * @returns where the first element of another group begins
 */
export function readGroup(bytes: Uint8Array, start: number, group: number, encoding: Encoding) {
  return new Reader(bytes, Infinity).group(start, group, encoding);
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #stopAfter: number;
  #at = 0;
  #count = 0;

  constructor(bytes: Uint8Array, stopAfter: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#stopAfter = stopAfter;
  }

  dataSet({ start, end }: Range, encoding: Encoding): DataSet {
    this.#at = start;
    const into = new DataSet(this.#bytes, encoding);
    while (this.#at < end) {
      // Zeros behind the last element are padding of whoever stored the file.
      if (this.#isZero(this.#at, end)) break;
      const element = this.#element(into, end, 0);
      if (element.tag === ITEM_END || element.tag === SEQUENCE_END) continue;
      into.elements.set(element.tag, element);
      if (element.tag >= this.#stopAfter) break;
    }
    return into;
  }

  group(start: number, group: number, encoding: Encoding) {
    this.#at = start;
    const dataSet = new DataSet(this.#bytes, encoding);
    while (this.#at + 8 <= this.#bytes.length && this.#uint16(this.#at, encoding) === group) {
      const element = this.#element(dataSet, this.#bytes.length, 0);
      dataSet.elements.set(element.tag, element);
    }
    return { dataSet, end: this.#at };
  }

  /** Whether nothing but zeros is left, of a length that no element has, or of any where it is little. */
  #isZero(from: number, end: number): boolean {
    if (this.#bytes[from] !== 0 || this.#bytes[from + 1] !== 0) return false;
    for (let at = from; at < end; at++) if (this.#bytes[at] !== 0) return false;
    return true;
  }

  #uint16(at: number, { littleEndian }: Encoding) {
    return this.#view.getUint16(at, littleEndian);
  }

  #uint32(at: number, { littleEndian }: Encoding) {
    return this.#view.getUint32(at, littleEndian);
  }

  #tag(at: number, encoding: Encoding) {
    return this.#uint16(at, encoding) * 0x10000 + this.#uint16(at + 2, encoding);
  }

  /** Reads an element's header, and its value as far as it has parts. Leaves the position behind it. */
  #element(owner: DataSet, end: number, depth: number): DataElement {
    if (++this.#count > MAX_ELEMENTS) throw tooLarge(`the DICOM file has more than ${MAX_ELEMENTS} elements`);
    if (this.#at + 8 > end) throw damaged("the DICOM file is cut short within an element's header");
    const { encoding } = owner;
    const tag = this.#tag(this.#at, encoding);
    const { vr, length, offset } = this.#header(owner, tag, end);
    this.#at = offset;
    if (tag === ITEM || tag === ITEM_END || tag === SEQUENCE_END) {
      if (length !== 0) throw damaged(`the DICOM file has ${nameOf(tag)} where no sequence is`);
      return { tag, vr, offset, length };
    }
    if (length === UNDEFINED) return this.#undefinedLength(owner, { tag, vr, offset }, end, depth);
    if (offset + length > end) {
      throw damaged(`the DICOM file is cut short or damaged: ${nameOf(tag)} reaches past the end of what holds it`);
    }
    this.#at = offset + length;
    if (vr !== "SQ" || length === 0) return { tag, vr, offset, length };
    // A UN that is a sequence by the dictionary is encoded like one of undefined length.
    const inner = encoding.explicit && this.#storedVr(offset, encoding) === "UN" ? unknownEncoding : encoding;
    return this.#definedSequence({ tag, vr, offset, length }, inner, depth);
  }

  /** The VR in front of a value whose header is of the long form. */
  #storedVr(offset: number, encoding: Encoding) {
    return encoding.explicit && offset >= 8 ? this.#letters(offset - 8) : "";
  }

  #letters(at: number) {
    return String.fromCharCode(this.#bytes[at]!, this.#bytes[at + 1]!);
  }

  #header(owner: DataSet, tag: number, end: number) {
    const at = this.#at;
    const { encoding } = owner;
    const isDelimiter = tag >>> 16 === 0xfffe;
    const letters = this.#letters(at + 4);
    // Some writers put implicit elements into explicit files: their length is no pair of capital letters.
    if (!encoding.explicit || isDelimiter || !/^[A-Z]{2}$/.test(letters)) {
      const length = this.#uint32(at + 4, encoding);
      return { vr: isDelimiter ? "UN" : impliedVr(owner, tag), length, offset: at + 8 };
    }
    if (!hasLongLength(letters)) return { vr: letters, length: this.#uint16(at + 6, encoding), offset: at + 8 };
    if (at + 12 > end) throw damaged("the DICOM file is cut short within an element's header");
    const vr = letters === "UN" ? impliedVr(owner, tag) : isVr(letters) ? letters : "UN";
    return { vr, length: this.#uint32(at + 8, encoding), offset: at + 12 };
  }

  #undefinedLength(
    owner: DataSet,
    { tag, vr, offset }: Pick<DataElement, "tag" | "vr" | "offset">,
    end: number,
    depth: number,
  ): DataElement {
    const { encoding } = owner;
    const isSequence = vr === "SQ" || vr === "UN" || !["OB", "OW", "OF", "OD", "OL", "OV"].includes(vr);
    if (!isSequence) return this.#encapsulated({ tag, vr, offset }, end, encoding);
    const unknown = encoding.explicit && this.#storedVr(offset, encoding) === "UN";
    const { items, length } = this.#items(offset, end, unknown ? unknownEncoding : encoding, depth, true);
    return { tag, vr: "SQ", offset, length, items };
  }

  #definedSequence(element: DataElement & { readonly length: number }, encoding: Encoding, depth: number): DataElement {
    const behind = element.offset + element.length;
    try {
      const { items } = this.#items(element.offset, behind, encoding, depth, false);
      return { ...element, items };
    } catch (error) {
      // Its length still says where the next element is. Only what is in it is lost.
      if (!(error instanceof Fault) || error.code !== "DOCUMENT_DECODE") throw error;
      return { ...element, broken: true };
    } finally {
      this.#at = behind;
    }
  }

  #items(start: number, end: number, encoding: Encoding, depth: number, delimited: boolean) {
    if (depth >= MAX_DEPTH) throw damaged(`the DICOM file nests sequences more than ${MAX_DEPTH} deep`);
    const items: DataSet[] = [];
    this.#at = start;
    while (this.#at < end || delimited) {
      const at = this.#at;
      if (at + 8 > end) throw damaged("the DICOM file is cut short within a sequence");
      const tag = this.#tag(at, encoding);
      const length = this.#uint32(at + 4, encoding);
      this.#at += 8;
      if (tag === SEQUENCE_END) return { items, length: at - start };
      if (tag !== ITEM) throw damaged("the DICOM file has a sequence without items where there should be some");
      if (length !== UNDEFINED && at + 8 + length > end)
        throw damaged("the DICOM file has an item that reaches past its sequence");
      items.push(this.#item(length === UNDEFINED ? undefined : at + 8 + length, end, encoding, depth + 1));
    }
    return { items, length: end - start };
  }

  /** @param itemEnd undefined where a delimiter ends it */
  #item(itemEnd: number | undefined, end: number, encoding: Encoding, depth: number): DataSet {
    if (++this.#count > MAX_ELEMENTS) throw tooLarge(`the DICOM file has more than ${MAX_ELEMENTS} elements`);
    const dataSet = new DataSet(this.#bytes, encoding);
    const limit = itemEnd ?? end;
    while (itemEnd === undefined || this.#at < itemEnd) {
      const element = this.#element(dataSet, limit, depth);
      if (element.tag === ITEM_END) {
        if (itemEnd === undefined) break;
        continue;
      }
      dataSet.elements.set(element.tag, element);
    }
    return dataSet;
  }

  #encapsulated(
    { tag, vr, offset }: Pick<DataElement, "tag" | "vr" | "offset">,
    end: number,
    encoding: Encoding,
  ): DataElement {
    const fragments: Fragment[] = [];
    for (;;) {
      const at = this.#at;
      if (at + 8 > end) throw damaged(`the DICOM file is cut short within ${nameOf(tag)}`);
      const item = this.#tag(at, encoding);
      const length = this.#uint32(at + 4, encoding);
      this.#at += 8;
      if (item === SEQUENCE_END) return { tag, vr, offset, length: at - offset, fragments };
      if (item !== ITEM) throw damaged(`the DICOM file has something between the parts of ${nameOf(tag)}`);
      if (at + 8 + length > end) throw damaged(`the DICOM file is cut short within a part of ${nameOf(tag)}`);
      fragments.push({ offset: at + 8, length });
      if (fragments.length > MAX_ELEMENTS) throw tooLarge(`the DICOM file has more than ${MAX_ELEMENTS} fragments`);
      this.#at = at + 8 + length;
    }
  }
}

/** What the standard says of a tag, where the file does not. */
function impliedVr(owner: DataSet, tag: number): string {
  if ((tag & 0xffff) === 0) return "UL";
  if ((tag >>> 16) & 1) return (tag & 0xff00) === 0 && (tag & 0xffff) >= 0x10 ? "LO" : "UN";
  const vr = attributeOf(tag)?.vr ?? "UN";
  switch (vr) {
    case "us":
      return owner.number(PIXEL_REPRESENTATION) === 1 ? "SS" : "US";
    case "ow":
    case "uw":
    case "sw":
      return "OW";
    case "--":
      return "UN";
    default:
      return vr;
  }
}

const nameOf = (tag: number) => {
  const hex = hexOf(tag);
  return `element (${hex.slice(0, 4)},${hex.slice(4)})`;
};
