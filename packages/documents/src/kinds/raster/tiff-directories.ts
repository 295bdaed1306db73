import { damaged } from "../../decoder/fault.js";

/** What is read of a TIFF's directory: TIFF 6.0, part 1. */
export interface TiffDirectory {
  readonly width: number;
  readonly height: number;
  /** 1 to 8, as EXIF has it. */
  readonly orientation: number;
  /** Pixels an inch, across and down the stored rows; undefined where one of them is not told. */
  readonly density?: { readonly x: number; readonly y: number } | undefined;
  /** A smaller copy of another page, or a mask of one: no page of its own. */
  readonly isAuxiliary: boolean;
  /** PhotometricInterpretation; undefined where it is missing. */
  readonly photometric?: number | undefined;
  readonly compression: number;
  /** Of the first sample. */
  readonly bits: number;
  /** Of the first sample: 1 is unsigned, 2 signed, 3 floating point. */
  readonly sampleFormat: number;
  readonly samples: number;
  /** Where each field stands in the file. */
  readonly fields: readonly TiffField[];
}

/** A field of a directory: 12 bytes, of BigTIFF 20. */
export interface TiffField {
  readonly tag: number;
  readonly at: number;
}

export const Tag = {
  newSubfileType: 254,
  imageWidth: 256,
  imageLength: 257,
  bitsPerSample: 258,
  compression: 259,
  photometric: 262,
  orientation: 274,
  samplesPerPixel: 277,
  xResolution: 282,
  yResolution: 283,
  resolutionUnit: 296,
  sampleFormat: 339,
} as const;
/** Bytes of a value of each type; BigTIFF has 13 and 16 to 18 as well. */
const SIZES: Record<number, number> = {
  1: 1,
  2: 1,
  3: 2,
  4: 4,
  5: 8,
  6: 1,
  7: 1,
  8: 2,
  9: 4,
  10: 8,
  11: 4,
  12: 8,
  13: 4,
  16: 8,
  17: 8,
  18: 8,
};
const CENTIMETRE = 3;
const CENTIMETRES_PER_INCH = 2.54;
/** NewSubfileType: a reduced copy, a transparency mask. */
const AUXILIARY = 0b101;

/**
 * The directories of a TIFF or BigTIFF, in their order. A chain that comes back to a directory ends there.
 *
 * @param most more are not read
 * @throws Fault where the chain is damaged before its first directory
 */
export function tiffDirectories(bytes: Uint8Array, most: number): TiffDirectory[] {
  const reader = new TiffReader(bytes);
  const found: TiffDirectory[] = [];
  const seen = new Set<number>();
  let at = reader.first;
  while (at !== 0 && !seen.has(at) && found.length < most) {
    seen.add(at);
    const directory = reader.directory(at);
    if (directory === undefined) break;
    found.push(directory.facts);
    at = directory.next;
  }
  if (found.length === 0) throw damaged("the TIFF has no directory that can be read: it is damaged or cut short");
  return found;
}

/** Every read is checked: what lies outside of the file is undefined. */
class TiffReader {
  readonly first: number;
  readonly #view: DataView;
  readonly #little: boolean;
  readonly #big: boolean;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#little = bytes[0] === 0x49;
    this.#big = this.#u16(2) === 43;
    this.first = (this.#big ? this.#u64(8) : this.#u32(4)) ?? 0;
  }

  directory(at: number): { facts: TiffDirectory; next: number } | undefined {
    const count = this.#big ? this.#u64(at) : this.#u16(at);
    if (count === undefined || count > 4096) return undefined;
    const [head, size] = this.#big ? [8, 20] : [2, 12];
    const values = new Map<number, number>();
    const fields: TiffField[] = [];
    for (let index = 0; index < count; index++) {
      const entry = at + head + index * size;
      const tag = this.#u16(entry);
      const value = this.#value(entry);
      if (tag !== undefined && entry + size <= this.#view.byteLength) fields.push({ tag, at: entry });
      if (tag !== undefined && value !== undefined && !values.has(tag)) values.set(tag, value);
    }
    const end = at + head + count * size;
    return { facts: factsOf(values, fields), next: (this.#big ? this.#u64(end) : this.#u32(end)) ?? 0 };
  }

  /** The first value of an entry. */
  #value(entry: number): number | undefined {
    const type = this.#u16(entry + 2) ?? 0;
    const count = (this.#big ? this.#u64(entry + 4) : this.#u32(entry + 4)) ?? 0;
    const [field, room] = this.#big ? [entry + 12, 8] : [entry + 8, 4];
    const size = SIZES[type];
    if (size === undefined || count === 0) return undefined;
    const at = size * count <= room ? field : this.#big ? this.#u64(field) : this.#u32(field);
    if (at === undefined) return undefined;
    switch (type) {
      case 1:
        return this.#read(at, 1, () => this.#view.getUint8(at));
      case 3:
        return this.#u16(at);
      case 4:
      case 13:
        return this.#u32(at);
      case 5: {
        const [above, below] = [this.#u32(at), this.#u32(at + 4)];
        return above === undefined || below === undefined || below === 0 ? undefined : above / below;
      }
      case 11:
        return this.#read(at, 4, () => this.#view.getFloat32(at, this.#little));
      case 12:
        return this.#read(at, 8, () => this.#view.getFloat64(at, this.#little));
      case 16:
      case 18:
        return this.#u64(at);
      default:
        return undefined;
    }
  }

  #u16(at: number): number | undefined {
    return this.#read(at, 2, () => this.#view.getUint16(at, this.#little));
  }

  #u32(at: number): number | undefined {
    return this.#read(at, 4, () => this.#view.getUint32(at, this.#little));
  }

  #u64(at: number): number | undefined {
    return this.#read(at, 8, () => Number(this.#view.getBigUint64(at, this.#little)));
  }

  #read(at: number, size: number, read: () => number): number | undefined {
    return at >= 0 && at + size <= this.#view.byteLength ? read() : undefined;
  }
}

function factsOf(values: ReadonlyMap<number, number>, fields: readonly TiffField[]): TiffDirectory {
  const orientation = values.get(Tag.orientation) ?? 1;
  const [x, y] = [values.get(Tag.xResolution) ?? 0, values.get(Tag.yResolution) ?? 0];
  const unit = values.get(Tag.resolutionUnit) ?? 2;
  // Without a unit (1) the two tell only how the sides of a pixel compare.
  const perInch = unit === CENTIMETRE ? CENTIMETRES_PER_INCH : 1;
  const known = Number.isFinite(x) && Number.isFinite(y) && x > 0 && y > 0;
  return {
    width: values.get(Tag.imageWidth) ?? 0,
    height: values.get(Tag.imageLength) ?? 0,
    orientation: orientation >= 1 && orientation <= 8 ? orientation : 1,
    density: known ? { x: x * perInch, y: y * perInch } : undefined,
    isAuxiliary: ((values.get(Tag.newSubfileType) ?? 0) & AUXILIARY) !== 0,
    photometric: values.get(Tag.photometric),
    compression: values.get(Tag.compression) ?? 1,
    bits: values.get(Tag.bitsPerSample) ?? 1,
    sampleFormat: values.get(Tag.sampleFormat) ?? 1,
    samples: values.get(Tag.samplesPerPixel) ?? 1,
    fields,
  };
}
