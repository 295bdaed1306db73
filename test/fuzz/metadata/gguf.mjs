// A GGUF file as values that can be changed and written again: for files of some megabytes.

/** Numbers of the format's types of values, by name. */
export const valueTypes = {
  ...{ u8: 0, i8: 1, u16: 2, i16: 3, u32: 4, i32: 5, f32: 6, bool: 7, string: 8, array: 9, u64: 10, i64: 11, f64: 12 },
};
const typeNames = Object.fromEntries(Object.entries(valueTypes).map(([name, number]) => [number, name]));
const widths = { u8: 1, i8: 1, u16: 2, i16: 2, u32: 4, i32: 4, f32: 4, bool: 1, u64: 8, i64: 8, f64: 8 };

/** Bytes and elements of a block of those of ggml's types that a tiny model's tensors have, by number. */
const blocks = { 0: [4, 1], 1: [2, 1], 2: [18, 32], 8: [34, 32], 24: [1, 1], 26: [4, 1], 30: [2, 1] };

/** @param {number} type @param {number[]} shape */
export function tensorBytes(type, shape) {
  const [bytes, elements] = blocks[type] ?? [4, 1];
  return Math.ceil(shape.reduce((product, size) => product * size, 1) / elements) * bytes;
}

/**
 * Integers are bigints and floats are numbers, whatever their size; strings are Buffers, because they may be no UTF-8.
 * @typedef {bigint | number | Buffer} Scalar
 * @typedef {{ type: string, element?: string, value: Scalar | Scalar[] }} Value `element`: of an array
 * @typedef {{ name: string, shape: number[], type: number, data: Buffer }} Tensor
 * @typedef {{ values: Map<string, Value>, tensors: Tensor[] }} Gguf
 */

class Reader {
  at = 0;
  /** @param {Buffer} bytes */
  constructor(bytes) {
    this.bytes = bytes;
  }
  take(size) {
    this.at += size;
    return this.bytes.subarray(this.at - size, this.at);
  }
  u32() {
    return this.take(4).readUInt32LE();
  }
  count() {
    return Number(this.take(8).readBigUInt64LE());
  }
  string() {
    return this.take(this.count());
  }
  scalar(type) {
    if (type === "string") return this.string();
    const bytes = this.take(widths[type]);
    if (type === "f32") return bytes.readFloatLE();
    if (type === "f64") return bytes.readDoubleLE();
    let value = 0n;
    for (let i = bytes.length - 1; i >= 0; --i) value = (value << 8n) | BigInt(bytes[i]);
    return type.startsWith("i") ? BigInt.asIntN(8 * bytes.length, value) : value;
  }
}

/** @param {Buffer} bytes of a whole file @returns {Gguf} */
export function readGguf(bytes) {
  const reader = new Reader(bytes);
  reader.take(8); // magic number, version
  const nTensors = reader.count();
  const nValues = reader.count();
  const values = new Map();
  for (let i = 0; i < nValues; ++i) {
    const key = reader.string().toString();
    const type = typeNames[reader.u32()];
    if (type !== "array") {
      values.set(key, { type, value: reader.scalar(type) });
      continue;
    }
    const element = typeNames[reader.u32()];
    const value = Array.from({ length: reader.count() }, () => reader.scalar(element));
    values.set(key, { type, element, value });
  }
  const infos = Array.from({ length: nTensors }, () => {
    const name = reader.string().toString();
    const shape = Array.from({ length: reader.u32() }, () => reader.count());
    return { name, shape, type: reader.u32(), offset: reader.count() };
  });
  const alignment = Number(values.get("general.alignment")?.value ?? 32);
  const begin = Math.ceil(reader.at / alignment) * alignment;
  const tensors = infos.map(({ offset, ...info }) => {
    const from = begin + offset;
    return { ...info, data: bytes.subarray(from, from + tensorBytes(info.type, info.shape)) };
  });
  return { values, tensors };
}

const u32 = (value) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
};
const u64 = (value) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)));
  return bytes;
};
const string = (value) => {
  const bytes = Buffer.from(value);
  return Buffer.concat([u64(bytes.length), bytes]);
};

/** @param {string} type @param {Scalar} value */
function scalar(type, value) {
  if (type === "string") return string(value);
  const bytes = Buffer.alloc(widths[type]);
  if (type === "f32") bytes.writeFloatLE(Number(value));
  else if (type === "f64") bytes.writeDoubleLE(Number(value));
  else bytes.set(u64(value).subarray(0, bytes.length));
  return bytes;
}

/** @param {Gguf} gguf */
export function writeGguf({ values, tensors }) {
  const alignment = 32;
  const parts = [Buffer.from("GGUF"), u32(3), u64(tensors.length), u64(values.size)];
  for (const [key, { type, element, value }] of values) {
    parts.push(string(key), u32(valueTypes[type]));
    if (type === "array") {
      parts.push(u32(valueTypes[element]), u64(value.length), ...value.map((each) => scalar(element, each)));
    } else {
      parts.push(scalar(type, value));
    }
  }
  const data = [];
  let offset = 0;
  const pad = (size) => Buffer.alloc((alignment - (size % alignment)) % alignment);
  for (const { name, shape, type, data: bytes } of tensors) {
    parts.push(string(name), u32(shape.length), ...shape.map(u64), u32(type), u64(offset));
    const padding = pad(bytes.length);
    data.push(bytes, padding);
    offset += bytes.length + padding.length;
  }
  const header = Buffer.concat(parts);
  return Buffer.concat([header, pad(header.length), ...data]);
}
