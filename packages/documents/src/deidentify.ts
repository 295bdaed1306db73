import { randomBytes } from "node:crypto";
import { deflateRawSync } from "node:zlib";
import { unsupported } from "./decoder/fault.js";
import { readDicomFile } from "./kinds/dicom/dicom-file.js";
import { KnownValues } from "./kinds/dicom/deidentify/known-values.js";
import { burnedInOf, limitsOf, type BurnedIn, type DeidentifyLimit } from "./kinds/dicom/deidentify/limits.js";
import { Rewriter, type Counts, type Done } from "./kinds/dicom/deidentify/rewriter.js";
import { UidMap } from "./kinds/dicom/deidentify/uid-map.js";
import type { DataSet, Encoding } from "./kinds/dicom/data-set.js";
import { encodingOf, transferSyntaxOf } from "./kinds/dicom/transfer-syntax.js";
import { writeElement, writeSequence } from "./kinds/dicom/write-element.js";

export type { DeidentifyLimit } from "./kinds/dicom/deidentify/limits.js";

/** How a DICOM file is deidentified. */
export interface DeidentifyOptions {
  /**
   * From which new UIDs are made, together with the old ones. Files of one study belong together afterwards where they had the same
   * secret. Whoever has it can tell which new UID belongs to an old one. Default: a random one for each call.
   */
  readonly secret?: string | Uint8Array | undefined;
  /** Most bytes that a deflated data set may become. Default: 1 GiB. */
  readonly maxInflatedBytes?: number | undefined;
}

/** What was done, and what was not. Attributes are named by keyword and counted; no value is in it. */
export interface DeidentifyReport {
  /** Attributes that are gone; `private` and `unknown` stand for all without a public name. */
  readonly removed: Readonly<Counts>;
  /** Attributes that are empty. */
  readonly emptied: Readonly<Counts>;
  /** Attributes whose value says nothing now; of sequences, all that is in them. */
  readonly replaced: Readonly<Counts>;
  /** Attributes with new UIDs. */
  readonly newUids: Readonly<Counts>;
  /** Attributes that the profile keeps, and that were replaced: they repeated a name or number of the person. */
  readonly repeated: Readonly<Counts>;
  /** What Burned In Annotation says of the picture; undefined where there is no picture. */
  readonly burnedIn?: BurnedIn | undefined;
  /** What may still identify the person, and what was lost. */
  readonly limits: readonly DeidentifyLimit[];
}

const MAX_INFLATED = 2 ** 30;
const PREAMBLE = 128;
const DIRECTORY = "1.2.840.10008.1.3.10";
/** Of this implementation: a UUID as UID, PS3.5 section B.2. */
const IMPLEMENTATION_CLASS = "2.25.148256950758115758235646320627264402622";
const metaEncoding: Encoding = { explicit: true, littleEndian: true };

/**
 * Removes what identifies a person from a DICOM file, by the Basic Application Level Confidentiality Profile of PS3.15 annex E,
 * edition 2026c: attributes are removed, emptied or replaced by its table E.1-1, private and unknown ones removed, UIDs replaced
 * consistently, in nested sequences too. Beyond the profile, overlays go with their whole groups, and attributes that repeat the
 * person's name or numbers are replaced. Pixels are carried over byte for byte, in the same transfer syntax: what is written in them
 * stays, as do comments in their compressed streams. The report says what to look at.
 *
 * @throws Fault where the file is damaged, or is a directory
 */
export function deidentify(
  bytes: Uint8Array,
  { secret = randomBytes(32), maxInflatedBytes = MAX_INFLATED }: DeidentifyOptions = {},
): { readonly bytes: Uint8Array; readonly report: DeidentifyReport } {
  const { meta, dataSet, transferSyntax } = readDicomFile(bytes, maxInflatedBytes);
  const sopClass = dataSet.string(0x00080016) ?? meta.string(0x00020002);
  const sopInstance = dataSet.value(0x00080018) ?? meta.value(0x00020003) ?? new Uint8Array();
  if (sopClass === DIRECTORY || dataSet.get(0x00041220) !== undefined) {
    throw unsupported("the file is a DICOMDIR: make it anew from the deidentified files");
  }
  const encoding = encodingOf(transferSyntax);
  const uids = new UidMap(secret);
  const rewriter = new Rewriter(encoding, uids, new KnownValues(dataSet));
  const body = rewriter.file(dataSet, statements(encoding));
  const newMeta = writeMeta(transferSyntax, sopClass, uids.replace(sopInstance));
  const isDeflated = transferSyntaxOf(transferSyntax)?.deflated === true;
  return {
    bytes: joined([new Uint8Array(PREAMBLE), ascii("DICM"), newMeta, isDeflated ? deflated(body) : body]),
    report: reportOf(rewriter.done, dataSet),
  };
}

function reportOf({ unreadable, ...done }: Done, dataSet: DataSet): DeidentifyReport {
  const removed = { ...done.removed };
  let lost = 0;
  for (const [name, times] of Object.entries(unreadable)) {
    removed[name] = (removed[name] ?? 0) + times;
    lost += times;
  }
  const hasPicture = dataSet.get(0x7fe00010) !== undefined;
  return {
    ...done,
    removed,
    burnedIn: hasPicture ? burnedInOf(dataSet) : undefined,
    limits: limitsOf(dataSet, lost),
  };
}

/** The attributes by which a file says that it was deidentified, PS3.15 section E.1.1, and how. */
function statements(encoding: Encoding) {
  const code = Buffer.concat([
    writeElement(0x00080100, "SH", ascii("113100"), encoding),
    writeElement(0x00080102, "SH", ascii("DCM"), encoding),
    writeElement(0x00080104, "LO", ascii("Basic Application Confidentiality Profile"), encoding),
  ]);
  return [
    { tag: 0x00120062, bytes: writeElement(0x00120062, "CS", ascii("YES"), encoding) },
    {
      tag: 0x00120063,
      bytes: writeElement(0x00120063, "LO", ascii("medinfer, basic profile of PS3.15 2026c"), encoding),
    },
    { tag: 0x00120064, bytes: writeSequence(0x00120064, [code], encoding) },
    { tag: 0x00280303, bytes: writeElement(0x00280303, "CS", ascii("REMOVED"), encoding) },
  ];
}

/** Meta information of our own: PS3.10 table 7.1-1. */
function writeMeta(transferSyntax: string, sopClass: string | undefined, sopInstance: Uint8Array): Uint8Array {
  const elements = Buffer.concat([
    writeElement(0x00020001, "OB", Uint8Array.of(0, 1), metaEncoding),
    writeElement(0x00020002, "UI", ascii(sopClass ?? ""), metaEncoding),
    writeElement(0x00020003, "UI", sopInstance, metaEncoding),
    writeElement(0x00020010, "UI", ascii(transferSyntax), metaEncoding),
    writeElement(0x00020012, "UI", ascii(IMPLEMENTATION_CLASS), metaEncoding),
    writeElement(0x00020013, "SH", ascii("MEDINFER"), metaEncoding),
  ]);
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, elements.length, true);
  return Buffer.concat([writeElement(0x00020000, "UL", length, metaEncoding), elements]);
}

/** Padded to an even length, PS3.5 section A.5. */
function deflated(body: Uint8Array): Uint8Array {
  const bytes = deflateRawSync(body);
  return bytes.length % 2 === 0 ? bytes : Buffer.concat([bytes, Uint8Array.of(0)]);
}

/** No Buffer: its memory may be shared with others. */
function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

const ascii = (text: string) => Buffer.from(text, "latin1");
