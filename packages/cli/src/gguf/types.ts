/** What a GGUF file's header says. */

/** Types of metadata by their number in the file (gguf.h of llama.cpp v0.5.0). */
export const valueTypes = [
  "uint8",
  "int8",
  "uint16",
  "int16",
  "uint32",
  "int32",
  "float32",
  "bool",
  "string",
  "array",
  "uint64",
  "int64",
  "float64",
] as const;

export type ValueType = (typeof valueTypes)[number];

/** A number that a double cannot hold is a bigint. */
export type Scalar = number | bigint | boolean | string;

/** One value of the metadata. An array's elements have one type; arrays may hold arrays. */
export type MetadataValue =
  | { type: Exclude<ValueType, "array">; value: Scalar }
  | { type: "array"; of: Exclude<ValueType, "array">; value: readonly Scalar[] }
  | { type: "array"; of: "array"; value: readonly MetadataValue[] };

/** One tensor of the list; its weights are not read. */
export interface TensorInfo {
  name: string;
  /** E.g. `"q4_K"`; `"type 99"` where the number is not known here. */
  type: string;
  /** Fastest dimension first, as in the file. */
  shape: readonly number[];
  /** Product of the shape. */
  elements: number;
  /** Where its weights begin, in bytes from the beginning of the file. */
  offset: number;
  /** Bytes of its weights; undefined: the type is not known here. */
  bytes: number | undefined;
}

/** A GGUF file but for its weights. */
export interface GgufHeader {
  version: number;
  /** Bytes of the whole file. */
  fileBytes: number;
  /** Bytes before the weights: what was read. */
  headerBytes: number;
  metadata: ReadonlyMap<string, MetadataValue>;
  tensors: readonly TensorInfo[];
}
