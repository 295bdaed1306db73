import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { MedInferError } from "medinfer";
import { shorten, shortenPath } from "../shorten.js";
import { ByteReader, damaged } from "./byte-reader.js";
import { tensorTypes } from "./tensor-types.js";
import {
  valueTypes,
  type GgufHeader,
  type MetadataValue,
  type Scalar,
  type TensorInfo,
  type ValueType,
} from "./types.js";

const MAGIC = "GGUF";
const DEFAULT_ALIGNMENT = 32;
/** ggml's tensors have at most so many dimensions. */
const MOST_DIMENSIONS = 4;
/** No published file nests arrays at all. */
const MOST_NESTED = 4;
/** The least bytes of an element of an array, by its type. */
const leastBytes: Record<ValueType, number> = {
  uint8: 1,
  int8: 1,
  uint16: 2,
  int16: 2,
  uint32: 4,
  int32: 4,
  float32: 4,
  bool: 1,
  string: 8,
  array: 12,
  uint64: 8,
  int64: 8,
  float64: 8,
};
const LEAST_ENTRY_BYTES = 8 + 4 + 1;
const LEAST_TENSOR_BYTES = 8 + 4 + 4 + 8;

/**
 * Reads what a GGUF file says about itself. The weights are not read, however large the file is, but they have to be there.
 *
 * @throws MedInferError `MODEL_NOT_FOUND` where there is no readable file, `BAD_GGUF` where it is damaged or no GGUF
 */
export function readGgufHeader(path: string): GgufHeader {
  const file = open(path);
  try {
    const about = fstatSync(file);
    if (!about.isFile())
      throw new MedInferError("MODEL_NOT_FOUND", `${shortenPath(path)} is no file: name a .gguf file`);
    return parse(new ByteReader(file, about.size));
  } finally {
    closeSync(file);
  }
}

function open(path: string): number {
  try {
    // Without O_NONBLOCK a pipe waits for its writer.
    return openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    const { code = "unknown" } = error as NodeJS.ErrnoException;
    const reason = code === "ENOENT" ? "there is no such file" : `it cannot be opened (${code})`;
    throw new MedInferError("MODEL_NOT_FOUND", `${shortenPath(path)}: ${reason}: check the path`);
  }
}

function parse(reader: ByteReader): GgufHeader {
  const version = readVersion(reader);
  const tensorCount = reader.uint64("the number of tensors");
  const entryCount = reader.uint64("the number of values");
  const metadata = readMetadata(reader, reader.checkRoom(entryCount, LEAST_ENTRY_BYTES, "the metadata"));
  const listed = readTensors(reader, reader.checkRoom(tensorCount, LEAST_TENSOR_BYTES, "the list of tensors"));
  const alignment = alignmentOf(metadata, reader.position);
  const headerBytes = Math.ceil(reader.position / alignment) * alignment;
  const tensors = listed.map((tensor) => ({ ...tensor, offset: headerBytes + tensor.offset }));
  for (const tensor of tensors) checkWeights(tensor, reader.size);
  return { version, fileBytes: reader.size, headerBytes: Math.min(headerBytes, reader.size), metadata, tensors };
}

function readVersion(reader: ByteReader): number {
  const isGguf = reader.size >= MAGIC.length && reader.take(MAGIC.length, "the file").toString("latin1") === MAGIC;
  if (!isGguf) throw new MedInferError("BAD_GGUF", 'the file is no GGUF: it does not begin with "GGUF"');
  const version = reader.uint32("the version");
  if (version === 2 || version === 3) return version;
  const what = (version & 0xffff) === 0 && version !== 0 ? "is big-endian" : `is of version ${version}`;
  throw new MedInferError("BAD_GGUF", `the file ${what}: little-endian GGUF of versions 2 and 3 is read; convert it`);
}

function readMetadata(reader: ByteReader, count: number): Map<string, MetadataValue> {
  const metadata = new Map<string, MetadataValue>();
  for (let i = 0; i < count; i++) {
    const begin = reader.position;
    const key = reader.string("a key");
    if (metadata.has(key)) throw damaged(begin, `the key ${quoted(key)} is there twice`);
    const what = `the value of ${quoted(key)}`;
    metadata.set(key, readValue(reader, readType(reader, what), what, 0));
  }
  return metadata;
}

function readType(reader: ByteReader, what: string): ValueType {
  const begin = reader.position;
  const id = reader.uint32(`the type of ${what}`);
  const type = valueTypes[id];
  if (type === undefined) throw damaged(begin, `${what} has the unknown type ${id}`);
  return type;
}

function readValue(reader: ByteReader, type: ValueType, what: string, depth: number): MetadataValue {
  if (type !== "array") return { type, value: readScalar(reader, type, what) };
  const begin = reader.position;
  if (depth === MOST_NESTED) throw damaged(begin, `${what} has arrays in arrays more than ${MOST_NESTED} deep`);
  const of = readType(reader, what);
  const count = reader.checkRoom(reader.uint64(`the length of ${what}`), leastBytes[of], what);
  if (of === "array") {
    const value: MetadataValue[] = [];
    for (let i = 0; i < count; i++) value.push(readValue(reader, "array", what, depth + 1));
    return { type, of, value };
  }
  const value: Scalar[] = [];
  for (let i = 0; i < count; i++) value.push(readScalar(reader, of, what));
  return { type, of, value };
}

function readScalar(reader: ByteReader, type: Exclude<ValueType, "array">, what: string): Scalar {
  if (type === "bool") return reader.uint8(what) !== 0;
  return reader[type](what);
}

/** Offsets are still from the beginning of the weights. */
function readTensors(reader: ByteReader, count: number): TensorInfo[] {
  const names = new Set<string>();
  const tensors: TensorInfo[] = [];
  for (let i = 0; i < count; i++) {
    const begin = reader.position;
    const name = reader.string("a tensor's name");
    if (names.has(name)) throw damaged(begin, `the tensor ${quoted(name)} is there twice`);
    names.add(name);
    tensors.push(readTensor(reader, name, `the tensor ${quoted(name)}`));
  }
  return tensors;
}

function readTensor(reader: ByteReader, name: string, what: string): TensorInfo {
  const begin = reader.position;
  const dimensions = reader.uint32(what);
  if (dimensions > MOST_DIMENSIONS) throw damaged(begin, `${what} has ${dimensions} dimensions`);
  const shape = Array.from({ length: dimensions }, () => Number(reader.uint64(what)));
  const elements = shape.reduce((product, length) => product * length, 1);
  const id = reader.uint32(what);
  const type = tensorTypes.get(id);
  const offset = Number(reader.uint64(what));
  if (!Number.isSafeInteger(elements) || !Number.isSafeInteger(offset)) {
    throw damaged(begin, `${what} has an impossible shape or offset`);
  }
  const bytes = type && (elements / type.blockSize) * type.blockBytes;
  if (bytes !== undefined && !Number.isInteger(bytes)) throw damaged(begin, `${what} is no whole number of blocks`);
  return { name, type: type?.name ?? `type ${id}`, shape, elements, offset, bytes };
}

function alignmentOf(metadata: ReadonlyMap<string, MetadataValue>, position: number): number {
  const { value } = metadata.get("general.alignment") ?? { value: DEFAULT_ALIGNMENT };
  if (typeof value === "number" && value > 0 && value <= 2 ** 31 && Number.isInteger(Math.log2(value))) return value;
  throw damaged(position, "general.alignment is no power of 2");
}

function checkWeights({ name, offset, bytes = 0 }: TensorInfo, fileBytes: number): void {
  if (offset + bytes <= fileBytes) return;
  throw damaged(fileBytes, `the file ends, and the tensor ${quoted(name)} lies up to byte ${offset + bytes}`);
}

const quoted = (name: string) => JSON.stringify(shorten(name));
