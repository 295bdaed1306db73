// Reads a GGUF file into its parts and writes one of other parts: for tests that need a file with one thing changed.

/** Sizes of values by their type's number; 8 is a string, 9 an array. */
const sizes = [1, 1, 2, 2, 4, 4, 4, 1, undefined, undefined, 8, 8, 8];
const STRING = 8;
const ARRAY = 9;
const UINT16 = 2;
const UINT32 = 4;
const FLOAT32 = 6;
const BOOL = 7;
const INT32 = 5;
const ALIGNMENT = 32;

/**
 * @typedef {object} Gguf
 * @property {Map<string, { type: number, bytes: Buffer }>} metadata values as they are written
 * @property {{ name: string, about: Buffer, data: Buffer }[]} tensors `about`: their shape and type as they are written
 */

/** @param {Buffer} file @returns {Gguf} */
export function readGguf(file) {
  let at = 8;
  const count = () => Number(file.readBigUInt64LE((at += 8) - 8));
  const skipString = () => {
    const length = count();
    at += length;
  };
  const string = () => {
    const length = count();
    return file.toString("utf8", at, (at += length));
  };
  const skip = (type) => {
    if (type === STRING) skipString();
    else if (type !== ARRAY) at += sizes[type];
    else {
      const element = file.readUInt32LE(at);
      at += 4;
      for (let left = count(); left > 0; left--) skip(element);
    }
  };
  const nTensors = count();
  const nValues = count();
  const metadata = new Map();
  for (let i = 0; i < nValues; i++) {
    const key = string();
    const type = file.readUInt32LE(at);
    const begin = (at += 4);
    skip(type);
    metadata.set(key, { type, bytes: file.subarray(begin, at) });
  }
  const listed = Array.from({ length: nTensors }, () => {
    const name = string();
    const begin = at;
    at += 4 + 8 * file.readUInt32LE(at) + 4;
    const about = file.subarray(begin, at);
    return { name, about, offset: count() };
  });
  const data = Math.ceil(at / ALIGNMENT) * ALIGNMENT;
  const ends = [...listed.map(({ offset }) => offset), file.length - data].sort((a, b) => a - b);
  const tensors = listed.map(({ name, about, offset }) => {
    const end = ends.find((each) => each > offset) ?? offset;
    return { name, about, data: file.subarray(data + offset, data + end) };
  });
  return { metadata, tensors };
}

/** @param {Gguf} gguf @returns {Buffer} */
export function writeGguf({ metadata, tensors }) {
  const head = [Buffer.from("GGUF\x03\0\0\0"), u64(tensors.length), u64(metadata.size)];
  for (const [key, { type, bytes }] of metadata) head.push(string(key), u32(type), bytes);
  let offset = 0;
  const data = [];
  for (const { name, about, data: values } of tensors) {
    head.push(string(name), about, u64(offset));
    const padded = Buffer.alloc(Math.ceil(values.length / ALIGNMENT) * ALIGNMENT);
    values.copy(padded);
    data.push(padded);
    offset += padded.length;
  }
  const length = head.reduce((sum, { length }) => sum + length, 0);
  return Buffer.concat([...head, Buffer.alloc((ALIGNMENT - (length % ALIGNMENT)) % ALIGNMENT), ...data]);
}

/** The file with these strings in its metadata; undefined: without that key. @param {Buffer} file @param {Record<string, string | undefined>} strings */
export function withStrings(file, strings) {
  const gguf = readGguf(file);
  for (const [key, value] of Object.entries(strings)) {
    gguf.metadata.delete(key);
    if (value !== undefined) gguf.metadata.set(key, { type: STRING, bytes: string(value) });
  }
  return writeGguf(gguf);
}

/** The value of every half. */
const halves = Float32Array.from({ length: 1 << 16 }, (_, half) => {
  const [sign, exponent, fraction] = [half & 0x8000 ? -1 : 1, (half >> 10) & 31, half & 1023];
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
});

/** ggml's types of weights that are read here: how many values of how many bytes lie together, and what they are. */
const weights = {
  0: { values: 1, size: 4, read: (bytes, at) => bytes.readFloatLE(at) },
  1: { values: 1, size: 2, read: (bytes, at) => halves[bytes.readUInt16LE(at)] },
  8: { values: 32, size: 34, read: (bytes, at, i) => halves[bytes.readUInt16LE(at)] * bytes.readInt8(at + 2 + i) },
};

/** The same weights in F32, of a file in F32, F16 and Q8_0. @param {Buffer} file @returns {Buffer} */
export function widenGguf(file) {
  const { metadata, tensors } = readGguf(file);
  return writeGguf({
    metadata,
    tensors: tensors.map(({ name, about, data }) => {
      const type = about.readUInt32LE(about.length - 4);
      const { values, size, read } = weights[type];
      const dimensions = Array.from({ length: about.readUInt32LE(0) }, (_, i) =>
        Number(about.readBigUInt64LE(4 + 8 * i)),
      );
      const wide = new Float32Array(dimensions.reduce((product, each) => product * each, 1));
      for (let i = 0; i < wide.length; i++) wide[i] = read(data, Math.floor(i / values) * size, i % values);
      return { name, about: Buffer.concat([about.subarray(0, -4), u32(0)]), data: Buffer.from(wide.buffer) };
    }),
  });
}

/**
 * A llama of so many times the layers that says the same: what the layers that are added put out is zero. So the file is a
 * draft model that is always right, and as much cheaper. @param {Buffer} file @param {number} times @returns {Buffer}
 */
export function deepenGguf(file, times) {
  const { metadata, tensors } = readGguf(file);
  const key = [...metadata.keys()].find((name) => name.endsWith(".block_count"));
  const count = metadata.get(key).bytes.readUInt32LE(0);
  const added = Array.from({ length: count * (times - 1) }, (_, i) =>
    tensors
      .filter(({ name }) => name.startsWith("blk.0."))
      .map(({ name, about, data }) => ({
        name: name.replace("blk.0.", `blk.${count + i}.`),
        about,
        data: /\.(attn_output|ffn_down)\./.test(name) ? Buffer.alloc(data.length) : data,
      })),
  );
  const layers = Buffer.alloc(4);
  layers.writeUInt32LE(count * times);
  metadata.set(key, { type: metadata.get(key).type, bytes: layers });
  return writeGguf({ metadata, tensors: [...tensors, ...added.flat()] });
}

/**
 * A model with a prediction head, where the token that follows depends on the one before it alone, and the head knows it:
 * layers put out zero, and the head passes the token on. So its guesses of greedy answers are right.
 * @param {Buffer} file @returns {Buffer}
 */
export function withSureHead(file) {
  const { metadata, tensors } = readGguf(file);
  const key = [...metadata.keys()].find((name) => name.endsWith(".embedding_length"));
  const embd = metadata.get(key).bytes.readUInt32LE(0);
  // The token's half of what goes in.
  const passOn = new Float32Array(embd * 2 * embd);
  for (let i = 0; i < embd; i++) passOn[i * 2 * embd + i] = 1;
  return writeGguf({
    metadata,
    tensors: tensors.map(({ name, about, data }) => {
      if (name.includes(".nextn.eh_proj.")) return tensorOf(name, [embd, 2 * embd], Buffer.from(passOn.buffer));
      const out = /\.(attn_output|ffn_down|ffn_down_exps|ffn_down_shexp)\./.test(name);
      return { name, about, data: out ? Buffer.alloc(data.length) : data };
    }),
  });
}

/** The file in parts, as llama.cpp's gguf-split writes them: all metadata in the first. @param {Buffer} file @param {number} count @returns {Buffer[]} */
export function splitGguf(file, count) {
  const { metadata, tensors } = readGguf(file);
  const each = Math.ceil(tensors.length / count);
  return Array.from({ length: count }, (_, i) => {
    const own = new Map(i === 0 ? metadata : []);
    own.set("split.no", { type: UINT16, bytes: u16(i) });
    own.set("split.count", { type: UINT16, bytes: u16(count) });
    own.set("split.tensors.count", { type: INT32, bytes: u32(tensors.length) });
    return writeGguf({ metadata: own, tensors: tensors.slice(i * each, (i + 1) * each) });
  });
}

const u16 = (n) => Buffer.from(Uint16Array.of(n).buffer);
const u32 = (n) => Buffer.from(Uint32Array.of(n).buffer);
const u64 = (n) => Buffer.from(BigUint64Array.of(BigInt(n)).buffer);
const string = (text) => Buffer.concat([u64(Buffer.byteLength(text)), Buffer.from(text)]);

/**
 * Values as they are written: texts, booleans, lists of texts, 32-bit integers; a number with its type.
 * @param {Record<string, string | boolean | string[] | Int32Array | { u32: number } | { f32: number }>} values
 * @returns {Gguf["metadata"]}
 */
export function metadataOf(values) {
  return new Map(Object.entries(values).map(([key, value]) => [key, encoded(value)]));
}

function encoded(value) {
  if (typeof value === "string") return { type: STRING, bytes: string(value) };
  if (typeof value === "boolean") return { type: BOOL, bytes: Buffer.of(value ? 1 : 0) };
  if (Array.isArray(value)) {
    return { type: ARRAY, bytes: Buffer.concat([u32(STRING), u64(value.length), ...value.map(string)]) };
  }
  if (value instanceof Int32Array) {
    const numbers = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    return { type: ARRAY, bytes: Buffer.concat([u32(INT32), u64(value.length), numbers]) };
  }
  if ("u32" in value) return { type: UINT32, bytes: u32(value.u32) };
  return { type: FLOAT32, bytes: Buffer.from(Float32Array.of(value.f32).buffer) };
}

/** A tensor of F32; `shape` has the longest stride first. @param {string} name @param {number[]} shape @param {Buffer} data */
export function tensorOf(name, shape, data) {
  const F32 = 0;
  return { name, about: Buffer.concat([u32(shape.length), ...[...shape].reverse().map(u64), u32(F32)]), data };
}
