/** Fields of a TIFF's directory by tag; of a field with several values, all. */
export type Fields = Readonly<
  Record<number, number | readonly number[] | { readonly rational: number } | { readonly ascii: string }>
>;

/** A page of a TIFF of our own making, stored without compression in one strip. */
export interface WrittenTiffPage {
  readonly width: number;
  readonly height: number;
  /** Of all rows. */
  readonly data: Uint8Array;
  /** Of each sample. Default 8. */
  readonly bits?: number;
  /** Default 1. */
  readonly samples?: number;
  /** Whether it has a PhotometricInterpretation. Default true. */
  readonly photometric?: boolean;
  /** Further fields, or others in place of these. */
  readonly fields?: Fields;
}

const SHORT = 3;
const LONG = 4;

/** A TIFF 6.0 of little endian, or a BigTIFF: the same with fields of 20 bytes and places of 8. */
export function writeTiff(
  pages: readonly WrittenTiffPage[],
  { big = false }: { readonly big?: boolean } = {},
): Uint8Array {
  const place = big ? 8 : 4;
  const parts: Buffer[] = [];
  let length = 0;
  const append = (part: Buffer) => {
    const at = length;
    parts.push(part);
    length += part.length;
    return at;
  };
  append(Buffer.from("II", "latin1"));
  append(big ? Buffer.concat([number(43, 2), number(8, 2), number(0, 2)]) : number(42, 2));
  // Where the place of the next directory is to be written: the header and each directory end with it.
  let link = append(number(0, place));
  const directories: { link: number; at: number }[] = [];
  for (const page of pages) {
    const { width, height, bits = 8, samples = 1 } = page;
    const fields: Fields = {
      256: width,
      257: height,
      258: Array<number>(samples).fill(bits),
      259: 1,
      262: samples >= 3 ? 2 : 1,
      273: append(Buffer.from(page.data)),
      277: samples,
      278: height,
      279: page.data.length,
      ...page.fields,
    };
    const written = Object.entries(fields).filter(([tag]) => tag !== "262" || page.photometric !== false);
    const entries = written.map(([tag, value]) => entry(Number(tag), value, place, append));
    directories.push({ link, at: append(number(entries.length, big ? 8 : 2)) });
    entries.forEach(append);
    link = append(number(0, place));
  }
  const file = Buffer.concat(parts);
  for (const { link: to, at } of directories) number(at, place).copy(file, to);
  return file;
}

function number(value: number, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  bytes.writeUIntLE(value, 0, Math.min(size, 6));
  return bytes;
}

function entry(tag: number, value: Fields[number], place: number, append: (part: Buffer) => number): Buffer {
  const { type, count, bytes } = encoded(value);
  const head = Buffer.alloc(4);
  head.writeUInt16LE(tag);
  head.writeUInt16LE(type, 2);
  const field =
    bytes.length <= place ? Buffer.concat([bytes, Buffer.alloc(place - bytes.length)]) : number(append(bytes), place);
  return Buffer.concat([head, number(count, place), field]);
}

function encoded(value: Fields[number]): { type: number; count: number; bytes: Buffer } {
  if (typeof value === "number") return { type: LONG, count: 1, bytes: number(value, 4) };
  if ("rational" in value) {
    return { type: 5, count: 1, bytes: Buffer.concat([number(Math.round(value.rational * 1000), 4), number(1000, 4)]) };
  }
  if ("ascii" in value) return { type: 2, count: value.ascii.length, bytes: Buffer.from(value.ascii, "latin1") };
  return { type: SHORT, count: value.length, bytes: Buffer.concat(value.map((each) => number(each, 2))) };
}
