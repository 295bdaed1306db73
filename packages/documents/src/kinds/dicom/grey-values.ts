import type { DataSet } from "./data-set.js";
import { readLookupTable, type LookupTable } from "./lookup-table.js";
import type { Picture } from "./picture.js";
import { tags } from "./tags.js";

/** How a window maps values to grey, PS3.3 section C.11.2.1. */
export interface Window {
  readonly center: number;
  readonly width: number;
  readonly function: "LINEAR" | "LINEAR_EXACT" | "SIGMOID";
}

/** How stored numbers of one frame become grey, PS3.4 annex N.2. */
export interface GreyValues {
  /** From stored numbers to values of the modality, e.g. Hounsfield units. */
  readonly modality: { readonly slope: number; readonly intercept: number } | LookupTable;
  /** Which of them are seen; undefined: the file does not say. */
  readonly voi?: Window | LookupTable | undefined;
  /** Stored numbers that are no part of the picture. */
  readonly padding?: { readonly from: number; readonly to: number } | undefined;
  /** The lowest is white. */
  readonly inverted: boolean;
}

/**
 * What a file says of a frame. What is said for the frame counts before what is said for all, and that before what stands outside of
 * the functional groups; of several windows the first.
 *
 * @param index from 0
 */
export function readGreyValues(dataSet: DataSet, picture: Picture, index: number): GreyValues {
  const groups = functionalGroups(dataSet, index);
  const modality = readModality(dataSet, groups, picture);
  // A table of the eye begins with a value of the modality, which may have a sign where stored numbers have none.
  const signed = picture.signed || (!("entries" in modality) && modality.intercept < 0);
  return {
    modality,
    voi: readVoi(dataSet, groups, signed),
    padding: picture.float ? undefined : readPadding(dataSet, picture),
    inverted: picture.photometric === "MONOCHROME1",
  };
}

/** The items that hold for a frame: its own, then those of all frames. PS3.3 section C.7.6.16. */
export function functionalGroups(dataSet: DataSet, index: number): DataSet[] {
  const own = dataSet.items(tags.perFrameFunctionalGroups)[index];
  const shared = dataSet.items(tags.sharedFunctionalGroups)[0];
  return [own, shared].filter((group) => group !== undefined);
}

function readModality(dataSet: DataSet, groups: readonly DataSet[], picture: Picture): GreyValues["modality"] {
  const item = dataSet.items(tags.modalityLutSequence)[0];
  const table = item && readLookupTable(item, picture.signed);
  if (table !== undefined) return table;
  const holders = [...groups.flatMap((group) => group.items(tags.pixelValueTransformationSequence)), dataSet];
  for (const holder of holders) {
    const slope = holder.number(tags.rescaleSlope);
    const intercept = holder.number(tags.rescaleIntercept);
    if (slope === undefined && intercept === undefined) continue;
    // A slope of 0 would make every picture one grey.
    return { slope: slope === undefined || slope === 0 ? 1 : slope, intercept: intercept ?? 0 };
  }
  return { slope: 1, intercept: 0 };
}

function readVoi(dataSet: DataSet, groups: readonly DataSet[], signed: boolean): GreyValues["voi"] {
  const holders = [...groups.flatMap((group) => group.items(tags.frameVoiLutSequence)), dataSet];
  for (const holder of holders) {
    for (const item of holder.items(tags.voiLutSequence)) {
      const table = readLookupTable(item, signed);
      if (table !== undefined) return table;
    }
    const window = readWindow(holder);
    if (window !== undefined) return window;
  }
  return undefined;
}

/** The first window; undefined where there is none or it is none: of a width that the standard forbids. */
function readWindow(holder: DataSet): Window | undefined {
  const center = holder.number(tags.windowCenter);
  const width = holder.number(tags.windowWidth);
  if (center === undefined || width === undefined) return undefined;
  const named = holder.string(tags.voiLutFunction);
  const kind = named === "SIGMOID" || named === "LINEAR_EXACT" ? named : "LINEAR";
  if (!Number.isFinite(center) || !(kind === "LINEAR" ? width >= 1 : width > 0)) return undefined;
  return { center, width, function: kind };
}

function readPadding(dataSet: DataSet, { signed }: Picture): GreyValues["padding"] {
  const first = dataSet.number(tags.pixelPaddingValue);
  if (first === undefined) return undefined;
  const last = dataSet.number(tags.pixelPaddingRangeLimit) ?? first;
  // As with tables, the sign is that of the samples, whatever the VR is.
  const [from, to] = [first, last]
    .map((value) => (signed ? (value << 16) >> 16 : value & 0xffff))
    .sort((a, b) => a - b);
  return { from: from!, to: to! };
}
