import type { DataSet } from "../data-set.js";

/** Something that may identify a person and that is still there, or was lost: for a person to decide on. */
export interface DeidentifyLimit {
  readonly kind:
    | "burned-in-text"
    | "recognizable-face"
    | "structured-report"
    | "encapsulated-document"
    | "embedded-overlay"
    | "encrypted-attributes"
    | "unreadable-sequence";
  /** What it is and what to do. It quotes nothing of the file. */
  readonly message: string;
}

const tag = {
  sopClass: 0x00080016,
  modality: 0x00080060,
  bodyPart: 0x00180015,
  bitsAllocated: 0x00280100,
  bitsStored: 0x00280101,
  burnedIn: 0x00280301,
  recognizable: 0x00280302,
  encryptedAttributes: 0x04000500,
  contentSequence: 0x0040a730,
  encapsulatedDocument: 0x00420011,
  pixelData: [0x7fe00010, 0x7fe00008, 0x7fe00009],
};

const STORAGE = "1.2.840.10008.5.1.4.1.1.";
/** Storage classes of pictures that machines write text into: ultrasound, secondary captures, X-ray angiography, photographs. */
const textClasses = ["3.1", "6.1", "7", "12.1", "12.2", "77.1"];
const textModalities = new Set([
  "CF",
  "DD",
  "DG",
  "ECG",
  "ES",
  "GM",
  "HC",
  "IVUS",
  "OP",
  "OT",
  "RF",
  "SC",
  "US",
  "VF",
  "XA",
  "XC",
]);
const headModalities = new Set(["CT", "MR", "NM", "PT", "XC"]);
const headParts = /HEAD|BRAIN|SKULL|FACE|NECK|ORBIT|SINUS|JAW|EAR|EYE|NOSE|MAXILLA|MANDIBLE|WHOLEBODY/;

/** What (0028,0301) says: whether the picture shows text that identifies the person. */
export type BurnedIn = "YES" | "NO" | "not said";

/** @returns of a picture alone */
export function burnedInOf(dataSet: DataSet): BurnedIn {
  const stored = dataSet.string(tag.burnedIn);
  return stored === "YES" || stored === "NO" ? stored : "not said";
}

/** What the profile does not reach in this file. */
export function limitsOf(dataSet: DataSet, unreadable: number): DeidentifyLimit[] {
  const limits: DeidentifyLimit[] = [];
  if (tag.pixelData.some((data) => dataSet.get(data) !== undefined)) limits.push(...pictureLimits(dataSet));
  if (dataSet.get(tag.contentSequence) !== undefined) {
    limits.push({
      kind: "structured-report",
      message: "the content of the structured report was replaced by values that say nothing: its findings are lost",
    });
  }
  if (dataSet.get(tag.encapsulatedDocument) !== undefined) {
    limits.push({
      kind: "encapsulated-document",
      message:
        "the encapsulated document was replaced by two zero bytes: it is lost, and has to be deidentified on its own",
    });
  }
  if (dataSet.get(tag.encryptedAttributes) !== undefined) {
    limits.push({
      kind: "encrypted-attributes",
      message: "attributes that were encrypted before are still there: whoever has the key reads them",
    });
  }
  if (unreadable > 0) {
    limits.push({
      kind: "unreadable-sequence",
      message: "sequences whose items could not be read were removed whole",
    });
  }
  return limits;
}

function pictureLimits(dataSet: DataSet): DeidentifyLimit[] {
  const limits: DeidentifyLimit[] = [];
  const burnedIn = burnedInOf(dataSet);
  const isRisky = mayHaveText(dataSet);
  if (burnedIn === "YES" || isRisky || burnedIn === "not said") {
    limits.push({
      kind: "burned-in-text",
      message:
        `pixels were not looked at, and Burned In Annotation is ${burnedIn}` +
        (isRisky ? "; pictures of this kind often show a name or a date" : "") +
        ": look at the pictures before they leave",
    });
  }
  const part = dataSet.string(tag.bodyPart)?.toUpperCase().replace(/\s/g, "");
  const mayShowFace =
    headModalities.has(dataSet.string(tag.modality) ?? "") && (part === undefined || headParts.test(part));
  if (dataSet.string(tag.recognizable) === "YES" || (mayShowFace && dataSet.string(tag.recognizable) !== "NO")) {
    limits.push({
      kind: "recognizable-face",
      message: "a face may be recognised, also in one made from slices of a head: deface what leaves",
    });
  }
  const unused = (dataSet.number(tag.bitsAllocated) ?? 0) - (dataSet.number(tag.bitsStored) ?? 0);
  const hasEmbedded = Array.from({ length: 16 }, (_, group) => (0x6000 + 2 * group) * 0x10000 + 0x0102).some(
    (position) => (dataSet.number(position) ?? 0) > 0,
  );
  if (hasEmbedded && unused > 0) {
    limits.push({
      kind: "embedded-overlay",
      message: "an overlay lies in unused bits of the pixels, which were copied as they are: clear those bits",
    });
  }
  return limits;
}

function mayHaveText(dataSet: DataSet): boolean {
  const sopClass = dataSet.string(tag.sopClass) ?? "";
  const isTextClass = textClasses.some((end) => sopClass === STORAGE + end || sopClass.startsWith(`${STORAGE}${end}.`));
  return isTextClass || textModalities.has(dataSet.string(tag.modality) ?? "");
}
