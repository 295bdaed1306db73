import { inflateRawSync } from "node:zlib";
import { damaged, tooLarge } from "../../decoder/fault.js";
import type { DataSet, Encoding } from "./data-set.js";
import { isDicom, metaOffset } from "./is-dicom.js";
import { readDataSet, readGroup } from "./read-data-set.js";
import {
  EXPLICIT_BIG_ENDIAN,
  EXPLICIT_LITTLE_ENDIAN,
  IMPLICIT_LITTLE_ENDIAN,
  encodingOf,
  transferSyntaxOf,
} from "./transfer-syntax.js";
import { isVr } from "./value-representation.js";

const TRANSFER_SYNTAX = 0x00020010;

/** A DICOM file, read. */
export interface DicomFile {
  /** Of group 2; empty where the file has none. */
  readonly meta: DataSet;
  readonly dataSet: DataSet;
  /** UID; where the file names none, what its elements look like. */
  readonly transferSyntax: string;
}

/**
 * Reads the elements of a file of PS3.10, or of a bare data set.
 *
 * @param maxInflated most bytes that a deflated data set may become
 * @param stopAfter see readDataSet
 * @throws Fault
 */
export function readDicomFile(bytes: Uint8Array, maxInflated: number, stopAfter?: number): DicomFile {
  if (!isDicom(bytes)) throw damaged("the file does not begin like a DICOM file");
  const { dataSet: meta, end } = readGroup(bytes, metaOffset(bytes), 2, { explicit: true, littleEndian: true });
  const named = meta.string(TRANSFER_SYNTAX);
  if (named !== undefined && transferSyntaxOf(named)?.deflated === true) {
    const inflated = inflate(bytes.subarray(end), maxInflated);
    return { meta, dataSet: readDataSet(inflated, 0, encodingOf(named), stopAfter), transferSyntax: named };
  }
  const seen = seenEncoding(bytes, end);
  const encoding = named === undefined ? seen : corrected(encodingOf(named), seen);
  return { meta, dataSet: readDataSet(bytes, end, encoding, stopAfter), transferSyntax: named ?? uidOf(encoding) };
}

/** How the first elements look: which of the three plain encodings gives a low group and a VR. */
function seenEncoding(bytes: Uint8Array, at: number): Encoding {
  const explicit = isVr(String.fromCharCode(bytes[at + 4] ?? 0, bytes[at + 5] ?? 0));
  // Groups of data sets begin with 0008 in nearly all files; whichever byte order makes it the smaller is right.
  const littleEndian = (bytes[at + 1] ?? 0) <= (bytes[at] ?? 0);
  return { explicit, littleEndian };
}

/** Some writers name the implicit syntax over explicit elements, or the other way round. The byte order they do not get wrong. */
const corrected = (named: Encoding, seen: Encoding): Encoding => ({ ...named, explicit: seen.explicit });

function uidOf({ explicit, littleEndian }: Encoding): string {
  if (!littleEndian) return EXPLICIT_BIG_ENDIAN;
  return explicit ? EXPLICIT_LITTLE_ENDIAN : IMPLICIT_LITTLE_ENDIAN;
}

function inflate(deflated: Uint8Array, maxOutputLength: number): Uint8Array {
  try {
    return inflateRawSync(deflated, { maxOutputLength });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") {
      throw tooLarge(`the deflated DICOM file holds more than ${maxOutputLength} bytes: raise maxPixels or maxPages`);
    }
    throw damaged("the deflated DICOM file is cut short or damaged");
  }
}
