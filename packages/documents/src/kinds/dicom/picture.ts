import { damaged, tooLarge, unsupported } from "../../decoder/fault.js";
import type { Budgets } from "../open-document.js";
import type { DataSet } from "./data-set.js";
import { tags } from "./tags.js";

const photometrics = [
  "MONOCHROME1",
  "MONOCHROME2",
  "PALETTE COLOR",
  "RGB",
  "YBR_FULL",
  "YBR_FULL_422",
  "YBR_PARTIAL_422",
  "YBR_PARTIAL_420",
  "YBR_ICT",
  "YBR_RCT",
] as const;

/** What the samples mean, (0028,0004). */
export type Photometric = (typeof photometrics)[number];

/** What a file says of its frames: PS3.3 section C.7.6.3. Held against the budgets, and not yet against the frames themselves. */
export interface Picture {
  readonly columns: number;
  readonly rows: number;
  readonly frames: number;
  readonly samples: 1 | 3;
  readonly photometric: Photometric;
  /** Samples of one colour follow each other. */
  readonly planar: boolean;
  /** Of a cell; 1 where they are packed. */
  readonly bitsAllocated: 1 | 8 | 16 | 32 | 64;
  readonly bitsStored: number;
  readonly highBit: number;
  readonly signed: boolean;
  readonly float: boolean;
  /** Which element holds the frames. */
  readonly dataTag: number;
}

/** @throws Fault where it makes no sense, is not read, or is more than the budgets allow */
export function readPicture(dataSet: DataSet, { maxPixels, maxPages }: Budgets): Picture {
  const dataTag = [tags.pixelData, tags.floatPixelData, tags.doubleFloatPixelData].find((tag) => dataSet.get(tag));
  if (dataTag === undefined) {
    throw unsupported(
      "the DICOM file holds no picture: it is a report, a plan, a directory or measurements, which are not read as pages",
    );
  }
  const rows = dataSet.number(tags.rows) ?? 0;
  const columns = dataSet.number(tags.columns) ?? 0;
  if (rows === 0 || columns === 0)
    throw damaged("the DICOM file does not say how many rows and columns its picture has");
  if (rows * columns > maxPixels) {
    throw tooLarge(`the DICOM picture has ${columns} by ${rows} pixels: raise maxPixels, which is ${maxPixels}`);
  }
  const frames = frameCount(dataSet);
  if (frames > maxPages) throw tooLarge(`the DICOM file has ${frames} frames: raise maxPages, which is ${maxPages}`);
  const samples = dataSet.number(tags.samplesPerPixel) ?? 1;
  if (samples !== 1 && samples !== 3)
    throw unsupported(`the DICOM picture has ${samples} samples a pixel: 1 and 3 are read`);
  const photometric = photometricOf(dataSet, samples);
  return {
    columns,
    rows,
    frames,
    samples,
    photometric,
    planar: dataSet.number(tags.planarConfiguration) === 1 && samples > 1,
    ...cellsOf(dataSet, dataTag),
    dataTag,
  };
}

function frameCount(dataSet: DataSet): number {
  const stored = dataSet.string(tags.numberOfFrames);
  if (stored === undefined) return 1;
  const count = dataSet.number(tags.numberOfFrames);
  if (count === undefined || !Number.isInteger(count) || count < 0) {
    throw damaged("the DICOM file's Number of Frames is no number: it has to be corrected");
  }
  return Math.max(1, count);
}

function photometricOf(dataSet: DataSet, samples: 1 | 3): Photometric {
  const stored = dataSet.string(tags.photometricInterpretation) ?? (samples === 1 ? "MONOCHROME2" : "RGB");
  const known = photometrics.find((name) => name === stored);
  if (known === undefined) throw unsupported("the DICOM picture's Photometric Interpretation is none that is read");
  const needed = known.startsWith("MONOCHROME") || known === "PALETTE COLOR" ? 1 : 3;
  if (needed !== samples) throw damaged(`the DICOM picture is ${known} and has ${samples} samples a pixel`);
  return known;
}

function cellsOf(dataSet: DataSet, dataTag: number) {
  if (dataTag !== tags.pixelData) {
    const bitsAllocated = dataTag === tags.floatPixelData ? 32 : 64;
    return { bitsAllocated, bitsStored: bitsAllocated, highBit: bitsAllocated - 1, signed: true, float: true } as const;
  }
  const bitsAllocated = dataSet.number(tags.bitsAllocated);
  if (bitsAllocated !== 1 && bitsAllocated !== 8 && bitsAllocated !== 16 && bitsAllocated !== 32) {
    throw unsupported("the DICOM picture's Bits Allocated is none of 1, 8, 16 and 32, which are read");
  }
  const bitsStored = dataSet.number(tags.bitsStored) ?? bitsAllocated;
  const highBit = dataSet.number(tags.highBit) ?? bitsStored - 1;
  if (bitsStored < 1 || highBit >= bitsAllocated || highBit < bitsStored - 1) {
    throw damaged("the DICOM picture's Bits Stored and High Bit do not fit its Bits Allocated");
  }
  const signed = dataSet.number(tags.pixelRepresentation) === 1;
  return { bitsAllocated, bitsStored, highBit, signed, float: false } as const;
}
