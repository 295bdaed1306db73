import type { DataSet } from "../data-set.js";
import { decodeText, readCharacterSets } from "../character-set.js";

/** Attributes that name a person or an order, whose values are looked for in what is kept. */
const identifying = [
  0x00080050, // Accession Number
  0x00080090, // Referring Physician's Name
  0x00081048, // Physicians of Record
  0x00081050, // Performing Physician's Name
  0x00081060, // Name of Physicians Reading Study
  0x00081070, // Operators' Name
  0x00100010, // Patient's Name
  0x00100020, // Patient ID
  0x00101000, // Other Patient IDs
  0x00101001, // Other Patient Names
  0x00101005, // Patient's Birth Name
  0x00101060, // Patient's Mother's Birth Name
  0x00102154, // Patient's Telephone Numbers
  0x00102297, // Responsible Person
];

/** Shorter parts are words of anything. */
const LEAST_LETTERS = 4;

/** Words of a file that identify somebody. They stay here: nothing gives them out. */
export class KnownValues {
  readonly #words = new Set<string>();

  constructor(dataSet: DataSet) {
    const sets = readCharacterSets(dataSet);
    for (const tag of identifying) {
      const element = dataSet.get(tag);
      const value = dataSet.value(tag);
      if (element === undefined || value === undefined) continue;
      for (const word of wordsOf(decodeText(value, element.vr, sets))) this.#words.add(word);
    }
  }

  /** Whether a text has one of them as a word of its own. */
  isIn(text: string): boolean {
    return this.#words.size > 0 && wordsOf(text).some((word) => this.#words.has(word));
  }
}

const wordsOf = (text: string) =>
  text
    .toLowerCase()
    .split(/[^\p{L}\p{M}\p{N}]+/u)
    .filter((word) => [...word].length >= LEAST_LETTERS || /^[^\p{Script=Latin}\p{N}]{2,}$/u.test(word));
