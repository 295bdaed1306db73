/** Text of data sets, PS3.3 section C.12.1.1.2 and PS3.5 chapter 6. */
import { TextDecoder } from "node:util";
import type { DataSet } from "./data-set.js";

const SPECIFIC_CHARACTER_SET = 0x00080005;
const ESCAPE = 0x1b;

/** Labels of the Encoding Standard for the defined terms of single character sets, without what is in front of their number. */
const labels: Record<string, string> = {
  "6": "latin1",
  "100": "latin1",
  "101": "iso-8859-2",
  "109": "iso-8859-3",
  "110": "iso-8859-4",
  "126": "iso-8859-7",
  "127": "iso-8859-6",
  "138": "iso-8859-8",
  "144": "iso-8859-5",
  "148": "iso-8859-9",
  "203": "iso-8859-15",
  // Bytes below 128 are ASCII's but for two, the others half-width katakana, as in Shift_JIS.
  "13": "shift_jis",
  "166": "windows-874",
  "192": "utf-8",
};

/** Character sets to which escape sequences lead, PS3.3 tables C.12-3 and C.12-4: the bytes behind ESC. */
const escapes: readonly { readonly sequence: string; readonly decode: (bytes: Uint8Array) => string }[] = [
  { sequence: "(B", decode: (bytes) => by("latin1", bytes) },
  { sequence: "(J", decode: (bytes) => by("shift_jis", bytes) },
  { sequence: ")I", decode: (bytes) => by("shift_jis", bytes) },
  { sequence: "$B", decode: (bytes) => by("euc-jp", withHighBits(bytes)) },
  { sequence: "$@", decode: (bytes) => by("euc-jp", withHighBits(bytes)) },
  { sequence: "$(D", decode: (bytes) => by("euc-jp", supplementary(bytes)) },
  { sequence: "$)C", decode: (bytes) => by("euc-kr", bytes) },
  { sequence: "$)A", decode: (bytes) => by("gb18030", bytes) },
  ...Object.entries({
    A: "100",
    B: "101",
    C: "109",
    D: "110",
    F: "126",
    G: "127",
    H: "138",
    L: "144",
    M: "148",
    T: "166",
    b: "203",
  }).map(([letter, number]) => ({ sequence: `-${letter}`, decode: (bytes: Uint8Array) => by(labels[number]!, bytes) })),
];

/** How the text of a data set is written. */
export interface CharacterSets {
  /** Of text before any escape sequence. */
  readonly label: string;
  /** Escape sequences change it. */
  readonly extensible: boolean;
}

const defaults: CharacterSets = { label: "latin1", extensible: true };

/** @param inherited of the data set that an item is in, which holds where the item has none of its own */
export function readCharacterSets(dataSet: DataSet, inherited: CharacterSets = defaults): CharacterSets {
  if (dataSet.get(SPECIFIC_CHARACTER_SET) === undefined) return inherited;
  const term = dataSet.strings(SPECIFIC_CHARACTER_SET)[0] ?? "";
  if (/^GB18030$/i.test(term)) return { label: "gb18030", extensible: false };
  if (/^GBK$/i.test(term)) return { label: "gbk", extensible: false };
  // ISO_IR 192, and with the misspellings that are about: ISO 2022 IR 100, ISO-IR 100, ISO IR 192.
  const number = /^ISO[ _-](?:2022[ _-])?IR[ _-]?(\d+)$/i.exec(term)?.[1];
  return { label: (number !== undefined && labels[number]) || "latin1", extensible: number !== "192" };
}

/**
 * The text of a value, with its delimiters and without its padding.
 *
 * @param vr which of them are delimiters: `\` of all but those of one long text, `^` and `=` of names; the first character set holds
 *   again behind them
 */
export function decodeText(value: Uint8Array, vr: string, sets: CharacterSets): string {
  const text = !sets.extensible || !value.includes(ESCAPE) ? by(sets.label, value) : decodeExtended(value, vr, sets);
  return ["LT", "ST", "UT"].includes(vr) ? text.replace(/[ \0]+$/, "") : text.replace(/^[ \0]+|[ \0]+$/g, "");
}

function decodeExtended(value: Uint8Array, vr: string, sets: CharacterSets): string {
  const resets = vr === "PN" ? "\\^=\r\n\f\t" : ["LT", "ST", "UT"].includes(vr) ? "\r\n\f\t" : "\\\r\n\f\t";
  const initial = (bytes: Uint8Array) => by(sets.label, bytes);
  let decode = initial;
  let isWide = false;
  let text = "";
  let from = 0;
  const flush = (to: number) => {
    if (to > from) text += decode(value.subarray(from, to));
    from = to;
  };
  for (let at = 0; at < value.length; at++) {
    if (value[at] === ESCAPE) {
      const found = escapes.find(({ sequence }) => startsWith(value, at + 1, sequence));
      if (found === undefined) continue;
      flush(at);
      decode = found.decode;
      // Both bytes of its characters are below 128, where one of them may look like a delimiter. A delimiter proper stands behind an
      // escape to a set of single bytes.
      isWide = ["$B", "$@", "$(D"].includes(found.sequence);
      at += found.sequence.length;
      from = at + 1;
    } else if (resets.includes(String.fromCharCode(value[at]!)) && !(isWide && value[at]! > 0x20)) {
      flush(at);
      decode = initial;
      isWide = false;
    }
  }
  flush(value.length);
  return text;
}

function startsWith(value: Uint8Array, at: number, sequence: string): boolean {
  for (let index = 0; index < sequence.length; index++) {
    if (value[at + index] !== sequence.charCodeAt(index)) return false;
  }
  return true;
}

const decoders = new Map<string, TextDecoder>();

function by(label: string, bytes: Uint8Array): string {
  let decoder = decoders.get(label);
  if (decoder === undefined) decoders.set(label, (decoder = new TextDecoder(label)));
  return decoder.decode(bytes);
}

const withHighBits = (bytes: Uint8Array) => Uint8Array.from(bytes, (byte) => (byte > 0x20 ? byte | 0x80 : byte));

/** JIS X 0212 in EUC-JP: each pair behind a byte that says so. */
function supplementary(bytes: Uint8Array): Uint8Array {
  const euc: number[] = [];
  for (let at = 0; at + 1 < bytes.length; at += 2) euc.push(0x8f, bytes[at]! | 0x80, bytes[at + 1]! | 0x80);
  return Uint8Array.from(euc);
}
