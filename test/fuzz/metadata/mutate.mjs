// What is wrong with a file, as a recipe: small enough to be printed, kept and applied again.
import { tensorBytes, valueTypes } from "./gguf.mjs";

/**
 * One change. Numbers are written as text, which holds NaN and 64 bits; strings as latin1.
 * @typedef {{ key: string, type: string, element?: string, value: string | string[] } | { key: string, gone: true } |
 *   { tensor: string, gone: true } | { tensor: string, shape?: number[], type?: number, name?: string }} Mutation
 */

const bits = { u8: 8n, i8: 8n, u16: 16n, i16: 16n, u32: 32n, i32: 32n, u64: 64n, i64: 64n, bool: 8n };
const isFloat = (type) => type === "f32" || type === "f64";

/** @param {string} type @param {import("./gguf.mjs").Scalar} value */
const toText = (type, value) => (type === "string" ? value.toString("latin1") : String(value));

/** @param {string} type @param {string} text @returns {import("./gguf.mjs").Scalar} */
function fromText(type, text) {
  if (type === "string") return Buffer.from(text, "latin1");
  return isFloat(type) ? Number(text) : BigInt(text);
}

/** Values that counts, sizes and ids are never, or seldom. @param {string} type @param {bigint} value */
function oddIntegers(type, value) {
  const fixed = [0n, 1n, 2n, 3n, 7n, -1n, 255n, 512n, 513n, 65535n, 65536n, 1n << 20n, 1n << 28n];
  const limits = [(1n << 31n) - 1n, 1n << 31n, (1n << 32n) - 1n, 1n << 32n, (1n << 63n) - 1n, 1n << 63n];
  const near = [value + 1n, value - 1n, value * 2n, value / 2n, -value, value + 32n, value * 1000n];
  const fit = (each) => (type.startsWith("i") ? BigInt.asIntN : BigInt.asUintN)(Number(bits[type]), each);
  return [...fixed, ...near, ...near, ...limits].map(fit).filter((each) => each !== value);
}

const oddFloats = (value) => [
  ...[0, -0, 1, -1, NaN, Infinity, -Infinity, 1e-45, 1e-30, -1e-6, 0.5, 2, 1e9, 3.4e38],
  ...[-value, value * 2, value / 2, value * 1e6, value + 1],
];

const oddStrings = [
  ...["", " ", "x", "\0", "none", "llama", "gpt2", "bert", "rwkv", "t5", "plamo2", "no_vocab", "test", "whitespace"],
  ...["hybriddna", "gemma4", "default", "llama-bpe", "qwen2", "gpt-4o", "deepseek-v3", "tekken", "kimi-k2", "gpt-2"],
  ...["linear", "yarn", "longrope", "silu", "gelu", "relu", "clip", "qwen2", "gemma3", "mamba2", "unknown"],
  ...["{{ messages }}", "{% for x in y %}", "{{", "\xff\xfe\x80", "a\xc3", "x".repeat(300), "\u0000x\u0000"],
];

/** @param {import("../../support/seeded-random.mjs").SeededRandom} random @param {string} type */
function oddScalar(random, type, value) {
  if (type === "string") {
    if (random.int(0, 2) > 0) return random.pick(oddStrings);
    const text = value.toString("latin1");
    return random.pick([text + text, text.slice(0, -1), text.toUpperCase(), ` ${text}`, text.slice(1)]);
  }
  if (type === "bool") return value ? "0" : random.pick(["1", "1", "2"]);
  return String(random.pick(isFloat(type) ? oddFloats(value) : oddIntegers(type, value)));
}

/** The same value, or another, as another type. */
function retyped(random, { type, value }) {
  const other = random.pick(Object.keys(valueTypes).filter((each) => each !== type));
  if (other === "array") {
    const element = random.pick(["u32", "i32", "f32", "string", "bool", "u64"]);
    return {
      type: "array",
      element,
      value: Array.from({ length: random.int(0, 5) }, () => (element === "string" ? "x" : "1")),
    };
  }
  const number = typeof value === "bigint" || (typeof value === "number" && Number.isFinite(value)) ? value : 1n;
  if (other === "string") return { type: other, value: String(number) };
  return {
    type: other,
    value: isFloat(other) ? String(Number(number)) : String(typeof number === "bigint" ? number : Math.trunc(number)),
  };
}

function oddArray(random, { element, value }) {
  const texts = value.map((each) => toText(element, each));
  const at = random.pick([0, texts.length - 1, random.int(0, Math.max(0, texts.length - 1))]);
  const blank = element === "string" ? Buffer.from("x") : isFloat(element) ? 1 : 1n;
  switch (random.int(0, 8)) {
    case 0:
      return [];
    case 1:
      return texts.slice(0, -1);
    case 2:
      return [...texts, texts.at(-1) ?? "1"];
    case 3:
      return [...texts, ...texts];
    case 4:
      return texts.slice(0, 1);
    case 5: // all the same
      return texts.fill(oddScalar(random, element, value[at] ?? blank));
    default: // some one
      if (texts.length > 0) texts[at] = oddScalar(random, element, value[at]);
      return texts;
  }
}

/** A key that the file does not have, guessed by its name. */
function added(random, name) {
  if (/epsilon|eps$|scale|factor|freq_base|bias|clamp|softcap|alpha|beta|temperature|multiplier/.test(name)) {
    return { key: name, type: "f32", value: String(random.pick([...oddFloats(1), 1e-5, 8, 10000])) };
  }
  if (/pattern|sections|_types$|ratios|layers$|mapping|indexes/.test(name) && random.int(0, 1) === 0) {
    const length = random.int(0, 8);
    const element = random.pick(["u32", "i32", "bool"]);
    return { key: name, type: "array", element, value: Array.from({ length }, () => String(random.int(0, 4))) };
  }
  if (/\.(causal|parallel_residual|norm_weights|use_|finetuned)|add_/.test(name)) {
    return { key: name, type: "bool", value: String(random.int(0, 1)) };
  }
  if (/type$|activation|\.model$|\.pre$/.test(name))
    return { key: name, type: "string", value: random.pick(oddStrings) };
  return { key: name, type: "u32", value: String(random.pick(oddIntegers("u32", 4n))) };
}

function changedValue(random, key, value) {
  const dice = random.int(0, 19);
  if (dice === 0) return { key, gone: true };
  if (dice === 1) return { key, ...retyped(random, value) };
  if (value.type !== "array") return { key, type: value.type, value: oddScalar(random, value.type, value.value) };
  return { key, type: "array", element: value.element, value: oddArray(random, value) };
}

function changedTensor(random, { name, shape }, names) {
  const at = random.int(0, shape.length - 1);
  const replaced = (size) => shape.map((each, i) => (i === at ? size : each));
  switch (random.int(0, 8)) {
    case 0:
      return { tensor: name, gone: true };
    case 1:
      return { tensor: name, type: random.pick([0, 1, 2, 8, 24, 26, 30]) };
    case 2:
      return { tensor: name, name: random.pick(names) };
    case 3:
      return { tensor: name, shape: [...shape].reverse() };
    case 4:
      return { tensor: name, shape: [...shape, 1, 2].slice(0, random.int(1, 4)) };
    case 5:
      return { tensor: name, type: random.int(0, 60) };
    default:
      return { tensor: name, shape: replaced(random.pick([0, 1, 2, shape[at] + 1, shape[at] - 1, shape[at] * 2, 32])) };
  }
}

/**
 * One to three changes.
 * @param {import("../../support/seeded-random.mjs").SeededRandom} random
 * @param {import("./gguf.mjs").Gguf} gguf
 * @param {string[]} known names of keys that llama.cpp reads
 * @returns {Mutation[]}
 */
export function drawMutations(random, { values, tensors }, known) {
  const keys = [...values.keys()];
  const own = keys.filter((key) => !key.startsWith("general.") && !key.startsWith("tokenizer."));
  const draw = () => {
    const dice = random.int(0, 99);
    if (dice < 10 && tensors.length > 0) {
      const names = tensors.map(({ name }) => name);
      return changedTensor(random, random.pick(tensors), names);
    }
    if (dice < 25) return added(random, random.pick(known));
    const key = random.pick(dice < 75 && own.length > 0 ? own : keys);
    return changedValue(random, key, values.get(key));
  };
  return Array.from({ length: random.pick([1, 1, 1, 2, 3]) }, draw);
}

/** As many bytes as asked for, of those that were there. @param {Buffer} data @param {number} size */
function fitted(data, size) {
  if (size <= data.length) return data.subarray(0, size);
  const most = Math.min(size, 1 << 24); // beyond that the file is cut short
  return data.length === 0 ? Buffer.alloc(most) : Buffer.alloc(most, data);
}

/** @param {import("./gguf.mjs").Gguf} gguf is changed @param {Mutation[]} mutations */
export function applyMutations(gguf, mutations) {
  for (const mutation of mutations) {
    if ("key" in mutation) {
      const { key, type, element, value } = mutation;
      if ("gone" in mutation) gguf.values.delete(key);
      else if (type === "array")
        gguf.values.set(key, { type, element, value: value.map((each) => fromText(element, each)) });
      else gguf.values.set(key, { type, value: fromText(type, value) });
      continue;
    }
    const index = gguf.tensors.findIndex(({ name }) => name === mutation.tensor);
    if (index < 0) continue;
    const tensor = gguf.tensors[index];
    if ("gone" in mutation) {
      gguf.tensors.splice(index, 1);
      continue;
    }
    tensor.name = mutation.name ?? tensor.name;
    tensor.type = mutation.type ?? tensor.type;
    tensor.shape = mutation.shape ?? tensor.shape;
    tensor.data = fitted(tensor.data, tensorBytes(tensor.type, tensor.shape));
  }
}
