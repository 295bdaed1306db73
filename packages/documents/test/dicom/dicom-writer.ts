/** Writes DICOM files for tests, by PS3.5 and PS3.10, apart from the writer that is tested. Nothing in them is of a person. */
import { deflateRawSync } from "node:zlib";

/** Tag, VR and value: text, numbers of the VR, bytes, or the items of a sequence. */
export type Element = readonly [
  tag: number,
  vr: string,
  value: string | readonly number[] | Uint8Array | readonly Element[][],
];

export const syntaxes = {
  implicit: "1.2.840.10008.1.2",
  explicit: "1.2.840.10008.1.2.1",
  deflated: "1.2.840.10008.1.2.1.99",
  bigEndian: "1.2.840.10008.1.2.2",
  jpeg: "1.2.840.10008.1.2.4.50",
  jpegLs: "1.2.840.10008.1.2.4.80",
  htj2k: "1.2.840.10008.1.2.4.201",
  rle: "1.2.840.10008.1.2.5",
};

interface Layout {
  readonly explicit: boolean;
  readonly little: boolean;
}

const longForms = new Set(["OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"]);

/** Bytes of numbers by VR. */
function numbers(vr: string, values: readonly number[], little: boolean): Uint8Array {
  const size = { US: 2, SS: 2, OW: 2, UL: 4, SL: 4, FL: 4, OF: 4, OB: 1, FD: 8, OD: 8, OV: 8, AT: 4 }[vr]!;
  const bytes = new Uint8Array(values.length * size);
  const view = new DataView(bytes.buffer);
  values.forEach((value, index) => {
    const at = index * size;
    if (vr === "FL" || vr === "OF") view.setFloat32(at, value, little);
    else if (vr === "FD" || vr === "OD") view.setFloat64(at, value, little);
    else if (vr === "OV") view.setBigUint64(at, BigInt(value), little);
    else if (vr === "AT") {
      view.setUint16(at, value >>> 16, little);
      view.setUint16(at + 2, value & 0xffff, little);
    } else if (size === 1) view.setUint8(at, value);
    else if (size === 2) view.setUint16(at, value & 0xffff, little);
    else view.setUint32(at, value >>> 0, little);
  });
  return bytes;
}

function header(tag: number, vr: string, length: number, { explicit, little }: Layout): Uint8Array {
  const isLong = explicit && longForms.has(vr);
  const bytes = new Uint8Array(isLong ? 12 : 8);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, tag >>> 16, little);
  view.setUint16(2, tag & 0xffff, little);
  if (explicit && vr !== "") bytes.set(Buffer.from(vr, "latin1"), 4);
  if (explicit && vr !== "" && !isLong) view.setUint16(6, length, little);
  else view.setUint32(isLong ? 8 : 4, length, little);
  return bytes;
}

const isItems = (value: Element[2]): value is readonly Element[][] => Array.isArray(value) && Array.isArray(value[0]);

function element([tag, vr, value]: Element, layout: Layout): Uint8Array {
  let bytes: Uint8Array;
  if (typeof value === "string") bytes = Buffer.from(value, "latin1");
  else if (value instanceof Uint8Array) bytes = value;
  else if (vr === "SQ" || isItems(value)) {
    bytes = Buffer.concat(
      (value as readonly Element[][]).flatMap((item) => {
        const content = dataSet(item, layout);
        return [header(0xfffee000, "", content.length, layout), content];
      }),
    );
  } else bytes = numbers(vr, value as readonly number[], layout.little);
  if (bytes.length % 2 === 1) {
    bytes = Buffer.concat([bytes, Uint8Array.of(typeof value === "string" && vr !== "UI" ? 0x20 : 0)]);
  }
  return Buffer.concat([header(tag, vr, bytes.length, layout), bytes]);
}

/** Elements, one after the other. */
export const dataSet = (elements: readonly Element[], layout: Layout): Uint8Array =>
  Buffer.concat([...elements].sort((a, b) => a[0] - b[0]).map((one) => element(one, layout)));

/** Encapsulated pixel data: a table of offsets, which may be empty, and fragments. */
export function encapsulated(fragments: readonly Uint8Array[], offsets: readonly number[] = []): Uint8Array {
  const layout = { explicit: true, little: true };
  return Buffer.concat([
    header(0x7fe00010, "OB", 0xffffffff, layout),
    ...[numbers("UL", offsets, true), ...fragments].flatMap((fragment) => {
      const padded = fragment.length % 2 === 1 ? Buffer.concat([fragment, Uint8Array.of(0)]) : fragment;
      return [header(0xfffee000, "", padded.length, layout), padded];
    }),
    header(0xfffee0dd, "", 0, layout),
  ]);
}

/** A file of PS3.10. @param tail bytes behind the elements: encapsulated pixel data */
export function file(
  elements: readonly Element[],
  syntax = syntaxes.explicit,
  tail: Uint8Array = new Uint8Array(),
): Uint8Array {
  const little = syntax !== syntaxes.bigEndian;
  const body = Buffer.concat([dataSet(elements, { explicit: syntax !== syntaxes.implicit, little }), tail]);
  const meta = dataSet(
    [
      [0x00020001, "OB", [0, 1]],
      [0x00020002, "UI", "1.2.840.10008.5.1.4.1.1.7"],
      [0x00020003, "UI", "2.25.1"],
      [0x00020010, "UI", syntax],
      [0x00020012, "UI", "2.25.9"],
    ],
    { explicit: true, little: true },
  );
  const length = dataSet([[0x00020000, "UL", [meta.length]]], { explicit: true, little: true });
  return new Uint8Array(
    Buffer.concat([
      new Uint8Array(128),
      Buffer.from("DICM"),
      length,
      meta,
      syntax === syntaxes.deflated ? deflateRawSync(body) : body,
    ]),
  );
}

/** What a picture needs beside its pixels; `more` replaces what is there. */
export function picture(
  {
    columns,
    rows,
    bits = 8,
    stored = bits,
    signed = false,
    samples = 1,
    photometric = samples === 3 ? "RGB" : "MONOCHROME2",
  }: {
    columns: number;
    rows: number;
    bits?: number;
    stored?: number;
    signed?: boolean;
    samples?: number;
    photometric?: string;
  },
  ...more: readonly Element[]
): Element[] {
  const base: Element[] = [
    [0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.7"],
    [0x00080018, "UI", "2.25.1"],
    [0x00080060, "CS", "OT"],
    [0x00280002, "US", [samples]],
    [0x00280004, "CS", photometric],
    ...(samples === 3 ? [[0x00280006, "US", [0]] as Element] : []),
    [0x00280010, "US", [rows]],
    [0x00280011, "US", [columns]],
    [0x00280100, "US", [bits]],
    [0x00280101, "US", [stored]],
    [0x00280102, "US", [stored - 1]],
    [0x00280103, "US", [signed ? 1 : 0]],
  ];
  return [...new Map([...base, ...more].map((one) => [one[0], one])).values()];
}

/** Pixel data of numbers. */
export const pixels = (vr: "OB" | "OW", values: readonly number[]): Element => [0x7fe00010, vr, values];
