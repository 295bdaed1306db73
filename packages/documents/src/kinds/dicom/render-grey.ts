import type { GreyValues, Window } from "./grey-values.js";
import { lookUp } from "./lookup-table.js";
import type { Picture } from "./picture.js";
import type { Numbers } from "./samples.js";

/**
 * Grey of 8 bits, 0 black. Without a window the whole range of the frame's values is seen; of pictures of up to 8 bits whose numbers
 * are no measurement, the whole range of their bits, as they were scanned or captured for the eye. Padding is black.
 */
export function renderGrey(samples: Numbers, values: GreyValues, picture: Picture): Uint8Array {
  const modality = modalityOf(values);
  const grey = new Uint8Array(samples.length);
  if (samples.BYTES_PER_ELEMENT > 2) {
    const shade = shader(values, picture, modality, () => rangeOf(samples, values, modality));
    for (let at = 0; at < samples.length; at++) grey[at] = shade(samples[at]!);
    return grey;
  }
  // Each number that can be stored is shaded once.
  const least = samples instanceof Int8Array ? -0x80 : samples instanceof Int16Array ? -0x8000 : 0;
  const count = 2 ** (samples.BYTES_PER_ELEMENT * 8);
  const shade = shader(values, picture, modality, () => rangeOf(present(samples, least, count), values, modality));
  const table = Uint8Array.from({ length: count }, (_, index) => shade(index + least));
  for (let at = 0; at < samples.length; at++) grey[at] = table[samples[at]! - least]!;
  return grey;
}

/** The numbers that a frame has, each once. */
function present(samples: Numbers, least: number, count: number): Int32Array {
  const seen = new Uint8Array(count);
  for (let at = 0; at < samples.length; at++) seen[samples[at]! - least] = 1;
  const numbers = new Int32Array(count);
  let found = 0;
  for (let index = 0; index < count; index++) if (seen[index] === 1) numbers[found++] = index + least;
  return numbers.subarray(0, found);
}

type Mapping = (value: number) => number;

function modalityOf({ modality }: GreyValues): Mapping {
  if ("entries" in modality) return (value) => lookUp(modality, value);
  const { slope, intercept } = modality;
  return (value) => value * slope + intercept;
}

function shader(
  values: GreyValues,
  picture: Picture,
  modality: Mapping,
  range: () => readonly [number, number],
): Mapping {
  const { padding, inverted } = values;
  const visible = visibleOf(values, picture, range);
  return (stored) => {
    if (padding !== undefined && stored >= padding.from && stored <= padding.to) return 0;
    const part = visible(modality(stored));
    // Not a number: of float pictures alone.
    const seen = part > 0 ? Math.min(1, part) : 0;
    return Math.round((inverted ? 1 - seen : seen) * 255);
  };
}

/** From values of the modality to what is seen, 0 the lowest, 1 the highest. */
function visibleOf({ voi, modality }: GreyValues, picture: Picture, range: () => readonly [number, number]): Mapping {
  if (voi !== undefined && "entries" in voi) {
    const top = 2 ** voi.bits - 1;
    return (value) => lookUp(voi, value) / top;
  }
  if (voi !== undefined) return windowed(voi);
  const isPlain = !("entries" in modality) && modality.slope === 1 && modality.intercept === 0;
  const { bitsStored, signed } = picture;
  const [from, to] =
    isPlain && bitsStored <= 8
      ? signed
        ? [-(2 ** (bitsStored - 1)), 2 ** (bitsStored - 1) - 1]
        : [0, 2 ** bitsStored - 1]
      : range();
  return to > from ? (value) => (value - from) / (to - from) : () => 0;
}

/** PS3.3 sections C.11.2.1.2 and C.11.2.1.3. */
function windowed({ center, width, function: kind }: Window): Mapping {
  if (kind === "SIGMOID") return (value) => 1 / (1 + Math.exp((-4 * (value - center)) / width));
  if (kind === "LINEAR_EXACT") return (value) => (value - center) / width + 0.5;
  const middle = center - 0.5;
  if (width === 1) return (value) => (value > middle ? 1 : 0);
  return (value) => (value - middle) / (width - 1) + 0.5;
}

/** Of the values that are no padding. Infinite ones and those that are no numbers are left out. */
function rangeOf(numbers: Numbers, { padding }: GreyValues, modality: Mapping): readonly [number, number] {
  let least = Infinity;
  let greatest = -Infinity;
  for (const stored of numbers) {
    if (padding !== undefined && stored >= padding.from && stored <= padding.to) continue;
    const value = modality(stored);
    if (!Number.isFinite(value)) continue;
    if (value < least) least = value;
    if (value > greatest) greatest = value;
  }
  return [least, greatest];
}
