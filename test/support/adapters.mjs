// LoRA adapters of random weights for a model's file, and that file with adapters merged into it.
import { SeededRandom } from "./seeded-random.mjs";

/** ggml's numbers of types. */
const F32 = 0;
const F16 = 1;
const Q8_0 = 8;
const BF16 = 30;
const types = { f32: F32, f16: F16, q8_0: Q8_0, bf16: BF16 };

/** @typedef {import("../fuzz/metadata/gguf.mjs").Gguf} Gguf */

const string = (text) => ({ type: "string", value: Buffer.from(text) });

/** Values of a normal distribution. @param {SeededRandom} random @param {number} count @param {number} deviation */
function normal(random, count, deviation) {
  return Float32Array.from({ length: count }, () => {
    const radius = Math.sqrt(-2 * Math.log(1 - random.next()));
    return deviation * radius * Math.cos(2 * Math.PI * random.next());
  });
}

function toF16(value) {
  const bits = new Uint32Array(Float32Array.of(value).buffer)[0];
  const sign = (bits >>> 16) & 0x8000;
  const exponent = ((bits >>> 23) & 0xff) - 112;
  if (exponent <= 0) {
    // Subnormal: units of 2^-24.
    return sign | Math.round(Math.abs(value) * 2 ** 24);
  }
  if (exponent >= 31) return sign | 0x7c00;
  const mantissa = bits & 0x7fffff;
  return sign | ((exponent << 10) + ((mantissa + 0xfff + ((mantissa >>> 13) & 1)) >>> 13));
}

function fromF16(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 31;
  const mantissa = bits & 0x3ff;
  return sign * (exponent === 0 ? mantissa * 2 ** -24 : (1 + mantissa / 1024) * 2 ** (exponent - 15));
}

/** The values as a type stores them, and what they are then. @param {Float32Array} values @param {string} type */
export function stored(values, type) {
  if (type === "f32") return { data: Buffer.from(values.buffer.slice(0)), values };
  if (type === "f16" || type === "bf16") {
    const bits = Uint16Array.from(values, (value) =>
      type === "f16" ? toF16(value) : (new Uint32Array(Float32Array.of(value).buffer)[0] + 0x8000) >>> 16,
    );
    const back = (each) => (type === "f16" ? fromF16(each) : new Float32Array(Uint32Array.of(each << 16).buffer)[0]);
    return { data: Buffer.from(bits.buffer), values: Float32Array.from(bits, back) };
  }
  const data = Buffer.alloc((values.length / 32) * 34);
  const back = new Float32Array(values.length);
  for (let block = 0; block < values.length / 32; ++block) {
    const own = values.subarray(block * 32, block * 32 + 32);
    const scale = fromF16(toF16(own.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / 127));
    data.writeUInt16LE(toF16(scale), block * 34);
    own.forEach((value, i) => {
      const quantum = scale === 0 ? 0 : Math.max(-127, Math.min(127, Math.round(value / scale)));
      data.writeInt8(quantum, block * 34 + 2 + i);
      back[block * 32 + i] = quantum * scale;
    });
  }
  return { data, values: back };
}

/** Weights that an adapter may add to: matrices, and stacks of them. */
export const weightsOf = ({ tensors }) =>
  tensors.filter(({ name, shape }) => shape.length >= 2 && name.endsWith(".weight")).map(({ name }) => name);

/**
 * A random adapter. `strength`: how large what it adds is beside a weight of deviation 1/√inputs.
 *
 * @param {Gguf} model
 * @param {{ seed?: number, rank?: number, alpha?: number, type?: "f32" | "f16" | "bf16" | "q8_0", strength?: number,
 *   only?: (name: string) => boolean, rankOf?: (name: string) => number, values?: Record<string, object> }} [options]
 * @returns {Gguf & { halves: Map<string, { a: Float32Array, b: Float32Array, rank: number }>, alpha: number }}
 */
export function randomAdapter(model, options = {}) {
  const { seed = 1, rank = 4, alpha = 8, type = "f32", strength = 0.5, only = () => true } = options;
  const random = new SeededRandom(seed);
  const values = new Map([
    ["general.type", string("adapter")],
    ["general.architecture", model.values.get("general.architecture")],
    ["general.name", string(`random adapter ${seed}`)],
    ["adapter.type", string("lora")],
    ["adapter.lora.alpha", { type: "f32", value: alpha }],
    ["adapter.lora.task_name", string("testing")],
    ...Object.entries(options.values ?? {}),
  ]);
  const tensors = [];
  const halves = new Map();
  for (const name of weightsOf(model).filter(only)) {
    const { shape } = model.tensors.find((tensor) => tensor.name === name);
    const [inputs, outputs, stack = 1] = shape;
    const own = options.rankOf?.(name) ?? rank;
    const factor = alpha === 0 ? 1 : alpha / own;
    const more = shape.length > 2 ? [stack] : [];
    const embeds = name.endsWith("token_embd.weight");
    // Embeddings are found by row, so their first half is stored the other way round.
    const aShape = embeds ? [own, outputs] : [inputs, own, ...more];
    const bShape = embeds ? [own, inputs] : [own, outputs, ...more];
    const size = (sizes) => sizes.reduce((product, each) => product * each, 1);
    const deviation = strength / factor / Math.sqrt(inputs) / Math.sqrt(own);
    const a = stored(normal(random, size(aShape), 1), type);
    const b = stored(normal(random, size(bShape), deviation), type);
    tensors.push({ name: `${name}.lora_a`, shape: aShape, type: types[type], data: a.data });
    tensors.push({ name: `${name}.lora_b`, shape: bShape, type: types[type], data: b.data });
    halves.set(name, { a: a.values, b: b.values, rank: own });
  }
  return { values, tensors, halves, alpha };
}

/**
 * The model with adapters added to its weights. REQUIRES: those are F32.
 *
 * @param {Gguf} model @param {{ adapter: ReturnType<typeof randomAdapter>, scale?: number }[]} uses @returns {Gguf}
 */
export function merged(model, uses) {
  const tensors = model.tensors.map((tensor) => {
    const { name, shape, data } = tensor;
    const added = uses.filter(({ adapter }) => adapter.halves.has(name));
    if (added.length === 0) return tensor;
    const [inputs, outputs, stack = 1] = shape;
    const sum = Float64Array.from(new Float32Array(Uint8Array.from(data).buffer));
    for (const { adapter, scale = 1 } of added) {
      const { a, b, rank } = adapter.halves.get(name);
      const factor = scale * (adapter.alpha === 0 ? 1 : adapter.alpha / rank);
      const embeds = name.endsWith("token_embd.weight");
      for (let s = 0; s < stack; ++s) {
        for (let o = 0; o < outputs; ++o) {
          for (let i = 0; i < inputs; ++i) {
            let product = 0;
            for (let r = 0; r < rank; ++r) {
              product += embeds
                ? a[o * rank + r] * b[i * rank + r]
                : b[(s * outputs + o) * rank + r] * a[(s * rank + r) * inputs + i];
            }
            sum[(s * outputs + o) * inputs + i] += factor * product;
          }
        }
      }
    }
    return { ...tensor, data: Buffer.from(Float32Array.from(sum).buffer) };
  });
  return { values: model.values, tensors };
}
