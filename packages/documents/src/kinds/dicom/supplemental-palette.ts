import type { DataSet } from "./data-set.js";
import { readPalette, renderPalette, type Palette } from "./palette.js";
import type { Picture } from "./picture.js";
import type { Numbers } from "./samples.js";
import { tags } from "./tags.js";

/**
 * The palette of a grey picture some of whose numbers are colours, PS3.3 section C.7.6.19: such as blood flow drawn over a CT. Undefined
 * where it has none.
 */
export function readSupplementalPalette(dataSet: DataSet, { photometric, signed }: Picture): Palette | undefined {
  const presentation = dataSet.string(tags.pixelPresentation);
  if (photometric !== "MONOCHROME2" || (presentation !== "COLOR" && presentation !== "MIXED")) return undefined;
  if (dataSet.get(tags.paletteDescriptor) === undefined) return undefined;
  return readPalette(dataSet, signed);
}

/** RGB of 8 bits: colours from the palette's first number on, grey below it. */
export function addColours(grey: Uint8Array, samples: Numbers, palette: Palette): Uint8Array {
  const data = renderPalette(samples, palette);
  for (let at = 0; at < grey.length; at++) {
    if (samples[at]! < palette.first) data.fill(grey[at]!, at * 3, at * 3 + 3);
  }
  return data;
}
