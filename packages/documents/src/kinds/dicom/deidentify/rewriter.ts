import { decodeText, readCharacterSets, type CharacterSets } from "../character-set.js";
import type { DataElement, DataSet, Encoding } from "../data-set.js";
import { attributeOf } from "../dictionary.js";
import { isTextVr } from "../value-representation.js";
import { writeElement, writeEncapsulated, writeSequence } from "../write-element.js";
import { dummyValue } from "./dummy-value.js";
import type { KnownValues } from "./known-values.js";
import { actionOf, type Action } from "./profile.js";
import type { UidMap } from "./uid-map.js";

/** How often something was done to which attributes, by keyword. */
export type Counts = Record<string, number>;

/** What was done to the attributes of a file. */
export interface Done {
  readonly removed: Counts;
  readonly emptied: Counts;
  readonly replaced: Counts;
  readonly newUids: Counts;
  readonly repeated: Counts;
  readonly unreadable: Counts;
}

const FIRST_GROUP = 0x0008;
/** Attributes that this writes itself, at their places. */
const OWN = new Set([0x00120062, 0x00120063, 0x00120064, 0x00280303]);
/** Names of coding schemes are no text of a person, though they may have a word of a name. */
const CODING_SCHEME = 0x00080102;
/** Which describe values that are not kept. */
const ENCAPSULATED_LENGTH = 0x00420015;
/** What structures a report: types of values and relations, which are codes of the standard. */
const STRUCTURE = new Set(["CS", "US", "UL", "SS", "SL", "FL", "FD", "UI", "SV", "UV", "AT"]);

/** Writes a data set anew, attribute by attribute, as the profile says. */
export class Rewriter {
  readonly done: Done = { removed: {}, emptied: {}, replaced: {}, newUids: {}, repeated: {}, unreadable: {} };
  readonly #encoding: Encoding;
  readonly #uids: UidMap;
  readonly #known: KnownValues;

  /** @param encoding of what is written; that of the file, as values are copied */
  constructor(encoding: Encoding, uids: UidMap, known: KnownValues) {
    this.#encoding = encoding;
    this.#uids = uids;
    this.#known = known;
  }

  /** The elements of a file's data set, with those that say what was done. */
  file(dataSet: DataSet, own: readonly { readonly tag: number; readonly bytes: Uint8Array }[]): Uint8Array {
    const written = [...this.#elements(dataSet, readCharacterSets(dataSet), false), ...own];
    return Buffer.concat(written.sort((a, b) => a.tag - b.tag).map(({ bytes }) => bytes));
  }

  /** @param strict everything that may be text is replaced: it is within a sequence whose content is to say nothing */
  #elements(dataSet: DataSet, sets: CharacterSets, strict: boolean) {
    const written: { tag: number; bytes: Uint8Array }[] = [];
    for (const element of dataSet.elements.values()) {
      const bytes = this.#element(dataSet, element, sets, strict);
      if (bytes !== undefined) written.push({ tag: element.tag, bytes });
    }
    return written.sort((a, b) => a.tag - b.tag);
  }

  #element(dataSet: DataSet, element: DataElement, sets: CharacterSets, strict: boolean): Uint8Array | undefined {
    const { tag } = element;
    const name = nameOf(tag);
    // Group lengths would be wrong, and are not needed.
    if (OWN.has(tag) || (tag & 0xffff) === 0) return undefined;
    if (tag >>> 16 < FIRST_GROUP || isGoneWithItsGroup(tag) || attributeOf(tag) === undefined) {
      count(this.done.removed, name);
      return undefined;
    }
    // Numbers of another byte order: a sequence of unknown VR in a big endian file.
    const isForeign = dataSet.encoding.littleEndian !== this.#encoding.littleEndian;
    if (element.broken === true || (isForeign && element.length > 0)) {
      count(this.done.unreadable, name);
      return undefined;
    }
    return this.#act(dataSet, element, strictly(actionOf(tag), element, strict), sets, strict, name);
  }

  #act(
    dataSet: DataSet,
    element: DataElement,
    action: Action,
    sets: CharacterSets,
    strict: boolean,
    name: string,
  ): Uint8Array | undefined {
    const { tag, vr } = element;
    const isSequence = element.items !== undefined || vr === "SQ";
    if (tag === ENCAPSULATED_LENGTH) return this.#write(tag, "UL", lengthOfDummy(this.#encoding));
    switch (action) {
      case "remove":
        count(this.done.removed, name);
        return undefined;
      case "empty":
        count(this.done.emptied, name);
        return this.#write(tag, vr, new Uint8Array());
      case "uid":
        if (element.length === 0) break;
        count(this.done.newUids, name);
        return this.#write(tag, "UI", this.#uids.replace(dataSet.value(tag) ?? new Uint8Array()));
      case "dummy":
        // An empty value says nothing already, and where it may be empty it may stay so.
        if (element.length === 0) break;
        count(this.done.replaced, name);
        if (isSequence) return this.#sequence(element, sets, true);
        return this.#write(tag, vr, vr === "UI" ? this.#uids.replace(dataSet.value(tag)!) : dummyValue(vr));
      case "enter":
      case "keep":
    }
    if (isSequence) return this.#sequence(element, sets, strict);
    if (element.fragments !== undefined) {
      return writeEncapsulated(
        tag,
        vr,
        dataSet.bytes.subarray(element.offset, element.offset + element.length),
        this.#encoding,
      );
    }
    const value = dataSet.value(tag) ?? new Uint8Array();
    if (tag !== CODING_SCHEME && (isTextVr(vr) || vr === "UN") && this.#known.isIn(decodeText(value, vr, sets))) {
      count(this.done.repeated, name);
      return this.#write(tag, vr, dummyValue(vr));
    }
    return this.#write(tag, vr, value);
  }

  #sequence(element: DataElement, sets: CharacterSets, strict: boolean): Uint8Array {
    const items = (element.items ?? []).map((item) =>
      Buffer.concat(this.#elements(item, readCharacterSets(item, sets), strict).map(({ bytes }) => bytes)),
    );
    return writeSequence(element.tag, items, this.#encoding);
  }

  #write(tag: number, vr: string, value: Uint8Array): Uint8Array {
    return writeElement(tag, vr, value, this.#encoding);
  }
}

function strictly(action: Action, { vr, items }: DataElement, strict: boolean): Action {
  if (!strict || action !== "keep") return action;
  return items !== undefined || vr === "SQ" || STRUCTURE.has(vr) ? "keep" : "dummy";
}

/** Curves, and overlays: the profile removes their data, without which the rest of their group describes nothing. */
function isGoneWithItsGroup(tag: number): boolean {
  const group = tag >>> 16;
  return (group >= 0x5000 && group <= 0x50ff) || (group >= 0x6000 && group <= 0x60ff);
}

function lengthOfDummy({ littleEndian }: Encoding): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, dummyValue("OB").length, littleEndian);
  return bytes;
}

/** Private attributes have no name that says nothing of who made them: they count as one. */
function nameOf(tag: number): string {
  if ((tag >>> 16) % 2 === 1) return "private";
  return attributeOf(tag)?.keyword ?? "unknown";
}

function count(counts: Counts, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}
