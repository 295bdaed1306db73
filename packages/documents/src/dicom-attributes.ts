import { decodeText, readCharacterSets, type CharacterSets } from "./kinds/dicom/character-set.js";
import type { DataElement, DataSet } from "./kinds/dicom/data-set.js";
import { readDicomFile } from "./kinds/dicom/dicom-file.js";
import { attributeOf, hexOf } from "./kinds/dicom/dictionary.js";
import { isCodeVr, isTextVr } from "./kinds/dicom/value-representation.js";

/** A name in the up to three writings that DICOM has for it, each `Family^Given^Middle^Prefix^Suffix`. */
export interface DicomPersonName {
  readonly alphabetic?: string;
  readonly ideographic?: string;
  readonly phonetic?: string;
}

/** A value that is left out: bytes, or a sequence that cannot be read. */
export interface DicomBytes {
  readonly byteLength: number;
}

/** One value of an attribute. */
export type DicomValue = string | number | DicomPersonName | DicomBytes | DicomAttributes;

/** Attributes by keyword. `null`: empty; an array: several values, or the items of a sequence. */
export interface DicomAttributes {
  readonly [keyword: string]: DicomValue | readonly DicomValue[] | null;
}

/** How attributes are read. */
export interface DicomAttributesOptions {
  /** Most bytes that a deflated data set may become. Default: 1 GiB. */
  readonly maxInflatedBytes?: number | undefined;
}

const MAX_INFLATED = 2 ** 30;
/** Behind which a backslash is a character: they have one value. */
const SINGLE = new Set(["LT", "ST", "UT", "UR"]);

/**
 * The attributes of a DICOM file, its meta information among them, by the keywords of PS3.6. Text is decoded by Specific Character Set,
 * ISO 2022's escape sequences included; decimal and integer strings become numbers. Values of bytes are left out but for their
 * length, private attributes altogether: they have no keyword. They identify a person: nothing of them is logged or put into messages.
 *
 * @throws Fault where the file is damaged
 */
export function dicomAttributes(
  bytes: Uint8Array,
  { maxInflatedBytes = MAX_INFLATED }: DicomAttributesOptions = {},
): DicomAttributes {
  const { meta, dataSet } = readDicomFile(bytes, maxInflatedBytes);
  return { ...attributesOf(meta), ...attributesOf(dataSet) };
}

function attributesOf(dataSet: DataSet, inherited?: CharacterSets): DicomAttributes {
  const sets = readCharacterSets(dataSet, inherited);
  const attributes: Record<string, DicomAttributes[string]> = {};
  for (const element of dataSet.elements.values()) {
    const keyword = attributeOf(element.tag)?.keyword;
    if (keyword === undefined || keyword === "") continue;
    attributes[keyword + suffixOf(element.tag)] = valueOf(dataSet, element, sets);
  }
  return attributes;
}

/** Curves and overlays: which of up to sixteen it is, as they share their keywords. */
function suffixOf(tag: number): string {
  const group = tag >>> 16;
  const isRepeated = (group >= 0x5000 && group <= 0x50ff) || (group >= 0x6000 && group <= 0x60ff);
  return isRepeated ? `_${group.toString(16)}` : "";
}

function valueOf(dataSet: DataSet, element: DataElement, sets: CharacterSets): DicomAttributes[string] {
  const { tag, vr, length, items } = element;
  if (items !== undefined) return items.map((item) => attributesOf(item, sets));
  if (length === 0) return vr === "SQ" ? [] : null;
  if (isTextVr(vr)) return textsOf(dataSet.value(tag)!, vr, sets);
  if (vr === "AT") return oneOrMore(dataSet.numbers(tag).map(hexOf));
  if (isCodeVr(vr)) {
    const numbers = vr === "DS" || vr === "IS" ? dataSet.numbers(tag) : [];
    const texts = SINGLE.has(vr) ? [dataSet.strings(tag).join("\\")] : dataSet.strings(tag);
    return oneOrMore<DicomValue>(numbers.length === texts.length ? numbers : texts);
  }
  const numbers = dataSet.numbers(tag);
  return numbers.length > 0 ? oneOrMore(numbers) : { byteLength: length };
}

function textsOf(value: Uint8Array, vr: string, sets: CharacterSets): DicomAttributes[string] {
  const text = decodeText(value, vr, sets);
  if (SINGLE.has(vr)) return text;
  // Decoded first: in some character sets a byte of a character looks like the delimiter.
  const parts = text.split("\\").map((part) => part.trim());
  return oneOrMore<DicomValue>(vr === "PN" ? parts.map(nameOf) : parts);
}

function nameOf(text: string): DicomPersonName {
  const [alphabetic, ideographic, phonetic] = text.split("=").map((group) => group.replace(/[\^ ]+$/, ""));
  return {
    ...(alphabetic ? { alphabetic } : {}),
    ...(ideographic ? { ideographic } : {}),
    ...(phonetic ? { phonetic } : {}),
  };
}

const oneOrMore = <T extends DicomValue>(values: readonly T[]): T | readonly T[] =>
  values.length === 1 ? values[0]! : values;
