import type { DataSet } from "./data-set.js";
import { functionalGroups } from "./grey-values.js";
import { tags } from "./tags.js";

const POINTS_PER_MM = 72 / 25.4;
/** Pixels that are higher or wider than this many times the other are taken for square: nothing is scanned so. */
const MAX_RATIO = 10;
/** Unequal spacing within this is rounding. */
const TOLERANCE = 0.005;

/** Of a frame's pixels. */
export interface PixelShape {
  /** Height of a pixel by its width. */
  readonly ratio: number;
  /** Height and width in points, where they are those of something that was measured: a film, a page, a body. */
  readonly points?: { readonly height: number; readonly width: number } | undefined;
}

/** Classes whose Pixel Spacing was made up, as often as not: secondary captures. */
const SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7";

/** Rows and columns of the file may lie at unequal distances: PS3.3 sections 10.7 and C.7.6.3.1.7. */
export function readPixelShape(dataSet: DataSet, index: number): PixelShape {
  const measures = functionalGroups(dataSet, index).flatMap((group) => group.items(tags.pixelMeasuresSequence));
  // A captured screen's spacing is somebody's guess. A scanned page's or film's has an attribute of its own.
  const isCapture = dataSet.string(tags.sopClassUid)?.startsWith(SECONDARY_CAPTURE) === true;
  const isScan = ["SD", "DF"].includes(dataSet.string(tags.conversionType) ?? "");
  const spacings = [
    { values: dataSet.numbers(tags.nominalScannedPixelSpacing), measured: true },
    ...measures.map((group) => ({ values: group.numbers(tags.pixelSpacing), measured: true })),
    { values: dataSet.numbers(tags.pixelSpacing), measured: !isCapture || isScan },
    { values: dataSet.numbers(tags.imagerPixelSpacing), measured: true },
  ];
  for (const { values, measured } of spacings) {
    const [height, width] = values;
    if (height === undefined || width === undefined || !(height > 0) || !(width > 0)) continue;
    return {
      ratio: believed(height / width),
      points: measured ? { height: height * POINTS_PER_MM, width: width * POINTS_PER_MM } : undefined,
    };
  }
  const [vertical, horizontal] = dataSet.numbers(tags.pixelAspectRatio);
  if (vertical === undefined || horizontal === undefined || !(vertical > 0) || !(horizontal > 0)) return { ratio: 1 };
  return { ratio: believed(vertical / horizontal) };
}

const believed = (ratio: number) =>
  ratio > MAX_RATIO || ratio < 1 / MAX_RATIO || Math.abs(ratio - 1) <= TOLERANCE ? 1 : ratio;
