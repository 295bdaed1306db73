import type { Encoding } from "./data-set.js";

/** How the bytes of a frame are packed. */
export type Packing = "native" | "rle" | "jpeg" | "jpeg-lossless" | "jpeg-ls" | "jpeg-2000" | "htj2k";

/** What a transfer syntax says, PS3.5 chapter 10 and PS3.6 table A-1. */
export interface TransferSyntax extends Encoding {
  readonly uid: string;
  readonly packing: Packing;
  /** The data set itself is deflated. */
  readonly deflated: boolean;
}

const JPEG = "1.2.840.10008.1.2.4";

export const IMPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2";
export const EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1";
export const EXPLICIT_BIG_ENDIAN = "1.2.840.10008.1.2.2";
const DEFLATED = "1.2.840.10008.1.2.1.99";

const packings: Record<string, Packing> = {
  [IMPLICIT_LITTLE_ENDIAN]: "native",
  [EXPLICIT_LITTLE_ENDIAN]: "native",
  [EXPLICIT_BIG_ENDIAN]: "native",
  [DEFLATED]: "native",
  // Encapsulated and not compressed.
  "1.2.840.10008.1.2.1.98": "native",
  "1.2.840.10008.1.2.5": "rle",
  [`${JPEG}.50`]: "jpeg",
  [`${JPEG}.51`]: "jpeg",
  [`${JPEG}.57`]: "jpeg-lossless",
  [`${JPEG}.70`]: "jpeg-lossless",
  [`${JPEG}.80`]: "jpeg-ls",
  [`${JPEG}.81`]: "jpeg-ls",
  [`${JPEG}.90`]: "jpeg-2000",
  [`${JPEG}.91`]: "jpeg-2000",
  [`${JPEG}.92`]: "jpeg-2000",
  [`${JPEG}.93`]: "jpeg-2000",
  [`${JPEG}.201`]: "htj2k",
  [`${JPEG}.202`]: "htj2k",
  [`${JPEG}.203`]: "htj2k",
};

/** A transfer syntax by its UID; undefined where it is none that is read (video, JPIP, JPEG XL, private ones). */
export function transferSyntaxOf(uid: string): TransferSyntax | undefined {
  const packing = packings[uid];
  if (packing === undefined) return undefined;
  return { uid, packing, ...encodingOf(uid), deflated: uid === DEFLATED };
}

/** How the elements are written: all compressed ones, also those that are not read, are explicit and little endian. */
export const encodingOf = (uid: string): Encoding => ({
  explicit: uid !== IMPLICIT_LITTLE_ENDIAN,
  littleEndian: uid !== EXPLICIT_BIG_ENDIAN,
});
