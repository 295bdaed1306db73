/** A range of an encapsulated picture's bytes. */
export interface Fragment {
  readonly offset: number;
  readonly length: number;
}

/** An element of a data set: where its value lies, and how it is to be read. */
export interface DataElement {
  readonly tag: number;
  /** Two capital letters: as stored, else the dictionary's; UN where neither says. */
  readonly vr: string;
  /** Of its value, from the beginning of the data set's bytes. */
  readonly offset: number;
  /** Of its value in bytes; of a value of undefined length, up to its delimiter. */
  readonly length: number;
  /** Of a sequence. */
  readonly items?: readonly DataSet[] | undefined;
  /** Of a value that is encapsulated: its items, the first of which is the table of offsets. */
  readonly fragments?: readonly Fragment[] | undefined;
  /** It is a sequence by its VR and its items contradict its length: nothing is known of what is in it. */
  readonly broken?: boolean | undefined;
}

/** How the elements of a data set are written. */
export interface Encoding {
  readonly explicit: boolean;
  readonly littleEndian: boolean;
}

const NUMBERS = {
  US: { size: 2, read: (view: DataView, at: number, little: boolean) => view.getUint16(at, little) },
  SS: { size: 2, read: (view: DataView, at: number, little: boolean) => view.getInt16(at, little) },
  UL: { size: 4, read: (view: DataView, at: number, little: boolean) => view.getUint32(at, little) },
  SL: { size: 4, read: (view: DataView, at: number, little: boolean) => view.getInt32(at, little) },
  FL: { size: 4, read: (view: DataView, at: number, little: boolean) => view.getFloat32(at, little) },
  FD: { size: 8, read: (view: DataView, at: number, little: boolean) => view.getFloat64(at, little) },
  UV: { size: 8, read: (view: DataView, at: number, little: boolean) => Number(view.getBigUint64(at, little)) },
  SV: { size: 8, read: (view: DataView, at: number, little: boolean) => Number(view.getBigInt64(at, little)) },
  AT: {
    size: 4,
    read: (view: DataView, at: number, little: boolean) =>
      view.getUint16(at, little) * 0x10000 + view.getUint16(at + 2, little),
  },
} as const;

/** The elements of a file or of a sequence's item, over bytes that it does not own. Values are read when they are asked for. */
export class DataSet {
  readonly elements = new Map<number, DataElement>();

  constructor(
    readonly bytes: Uint8Array,
    readonly encoding: Encoding,
  ) {}

  get(tag: number): DataElement | undefined {
    return this.elements.get(tag);
  }

  /** The bytes of a value, a view; undefined where there is none or it is empty. */
  value(tag: number): Uint8Array | undefined {
    const element = this.get(tag);
    if (element === undefined || element.length === 0) return undefined;
    return this.bytes.subarray(element.offset, element.offset + element.length);
  }

  /** Values of the default repertoire, without their padding. Empty where the element is absent. */
  strings(tag: number): string[] {
    const value = this.value(tag);
    if (value === undefined) return [];
    const text = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("latin1");
    return text.split("\\").map((part) => part.replace(/^[ \0]+|[ \0]+$/g, ""));
  }

  /** The first value; undefined where it is absent or empty. */
  string(tag: number): string | undefined {
    const first = this.strings(tag)[0];
    return first === "" ? undefined : first;
  }

  /** Numbers of any VR that holds some, as written or as characters; what is none is left out. */
  numbers(tag: number): number[] {
    const element = this.get(tag);
    if (element === undefined) return [];
    if (element.vr === "DS" || element.vr === "IS") {
      return this.strings(tag).flatMap((text) =>
        /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text) ? [Number(text)] : [],
      );
    }
    const kind = NUMBERS[element.vr as keyof typeof NUMBERS] as (typeof NUMBERS)["US"] | undefined;
    const value = this.value(tag);
    if (kind === undefined || value === undefined) return [];
    const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
    const numbers: number[] = [];
    for (let at = 0; at + kind.size <= value.length; at += kind.size) {
      numbers.push(kind.read(view, at, this.encoding.littleEndian));
    }
    return numbers;
  }

  /** The first number; undefined where there is none. */
  number(tag: number): number | undefined {
    return this.numbers(tag)[0];
  }

  /** The items of a sequence; none where it is absent. */
  items(tag: number): readonly DataSet[] {
    return this.get(tag)?.items ?? [];
  }
}
