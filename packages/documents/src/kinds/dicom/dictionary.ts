/** The public attributes of the standard. */
import { dictionaryTable } from "./dictionary-table.js";

/** What the standard says of an attribute. */
export interface Attribute {
  readonly keyword: string;
  /** Two capital letters; small ones where the picture decides: `us` (US or SS), `ow` (OB or OW), `uw` and `sw` (US, SS or OW). */
  readonly vr: string;
}

let attributes: { exact: Map<number, Attribute>; families: Map<string, Attribute> } | undefined;

/** The attribute of a tag; undefined for private and unknown ones, and for group lengths. */
export function attributeOf(tag: number): Attribute | undefined {
  attributes ??= read();
  const found = attributes.exact.get(tag);
  if (found !== undefined || attributes.families.size === 0) return found;
  const hex = hexOf(tag);
  // Families differ in the second half of the group (60xx), or in some digits of the element (0020,31xx).
  for (const mask of familiesOf(hex)) {
    const family = attributes.families.get(mask);
    if (family !== undefined) return family;
  }
  return undefined;
}

/** A tag as eight hexadecimal digits. */
export const hexOf = (tag: number) => tag.toString(16).padStart(8, "0");

/** The masks by which the standard's tables name families of tags, that fit eight digits. */
export const familiesOf = (hex: string): readonly string[] => [
  `${hex.slice(0, 2)}xx${hex.slice(4)}`,
  `${hex.slice(0, 2)}xxxxxx`,
  `${hex.slice(0, 6)}xx`,
  `${hex.slice(0, 5)}xx${hex.slice(7)}`,
  `${hex.slice(0, 4)}xxx${hex.slice(7)}`,
  `${hex.slice(0, 4)}xxxx`,
];

function read() {
  const exact = new Map<number, Attribute>();
  const families = new Map<string, Attribute>();
  for (const line of dictionaryTable.split("\n")) {
    if (line === "") continue;
    const tag = line.slice(0, 8);
    const attribute = { vr: line.slice(8, 10), keyword: line.slice(10) };
    if (tag.includes("x")) families.set(tag, attribute);
    else exact.set(parseInt(tag, 16), attribute);
  }
  return { exact, families };
}
