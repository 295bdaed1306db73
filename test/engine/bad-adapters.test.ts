// Files that are no adapters of the model: each is refused by name, and the engine goes on.
import { readFileSync, writeFileSync } from "node:fs";

import { Engine } from "medinfer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { writeGguf, type Gguf } from "../fuzz/metadata/gguf.mjs";
import { randomAdapter } from "../support/adapters.mjs";
import { AdapterFolder, embeddedModel } from "./support/adapters.js";
import { errorOf, greedy, loadTiny } from "./support/engines.js";

const folder = new AdapterFolder();
let engine: Engine;
let expected: string;
const answer = async () =>
  (await engine.complete({ prompt: "Hello", sampling: greedy, nPredict: 8, ignoreEos: true }).result).text;
beforeAll(async () => {
  engine = await loadTiny({ mmproj: null });
  expected = await answer();
});
afterAll(async () => {
  await engine.close();
  folder.remove();
});

const text = (value: string) => ({ type: "string", value: Buffer.from(value) });
const Q = "blk.0.attn_q.weight";

/** An adapter of one weight, changed. */
function changed(change: (gguf: Gguf) => void): Gguf {
  const { values, tensors } = randomAdapter(folder.model, { only: (weight) => weight === Q });
  const gguf = { values, tensors: tensors.map((tensor) => ({ ...tensor })) };
  change(gguf);
  return gguf;
}
const withValue = (key: string, value: Gguf["values"] extends Map<string, infer V> ? V : never) =>
  changed(({ values }) => values.set(key, value));
const withoutValue = (key: string) => changed(({ values }) => values.delete(key));
const withNumber = (at: number, number: number) =>
  changed(({ tensors }) => {
    const data = Buffer.from(tensors[0]!.data);
    data.writeFloatLE(number, at * 4);
    tensors[0]!.data = data;
  });
const zeros = (name: string, shape: number[], type = 0) => ({
  name,
  shape,
  type,
  data: Buffer.alloc(4 * shape.reduce((product, size) => product * size, 1)),
});
const embd = folder.model.tensors.find(({ name }) => name === Q)!.shape[0]!;

const cases: [string, () => Gguf | Buffer, string][] = [
  ["an empty file", () => Buffer.alloc(0), "is empty"],
  ["a text", () => Buffer.from("This is no adapter, whatever its name is."), "is not a GGUF file"],
  ["a header that is cut off", () => writeGguf(changed(() => {})).subarray(0, 60), "damaged or cut off"],
  ["a model", () => readFileSync(embeddedModel()), "general.type is"],
  ["no general.type", () => withoutValue("general.type"), "general.type is missing"],
  ["a general.type that is no text", () => withValue("general.type", { type: "u32", value: 1n }), "general.type is 1"],
  ["a control vector", () => withValue("general.architecture", text("controlvector")), "control vector"],
  ["another kind of adapter", () => withValue("adapter.type", text("dora")), 'adapter.type is "dora"'],
  ["no kind of adapter", () => withoutValue("adapter.type"), "adapter.type is missing"],
  ["another architecture", () => withValue("general.architecture", text("qwen2")), 'general.architecture is "qwen2"'],
  ["no architecture", () => withoutValue("general.architecture"), "general.architecture is missing"],
  [
    "an alpha that is not finite",
    () => withValue("adapter.lora.alpha", { type: "f32", value: NaN }),
    "adapter.lora.alpha is",
  ],
  [
    "an alpha beyond all measure",
    () => withValue("adapter.lora.alpha", { type: "f32", value: 1e30 }),
    "adapter.lora.alpha is",
  ],
  ["an alpha that is a text", () => withValue("adapter.lora.alpha", text("16")), "adapter.lora.alpha is"],
  [
    "an alpha of another width",
    () => withValue("adapter.lora.alpha", { type: "f64", value: 16 }),
    "adapter.lora.alpha is",
  ],
  [
    "an activated LoRA",
    () => withValue("adapter.alora.invocation_tokens", { type: "array", element: "u32", value: [1n, 2n] }),
    "adapter.alora.invocation_tokens",
  ],
  ["no tensors", () => changed(({ tensors }) => tensors.splice(0)), "no tensors"],
  ["a half without the other", () => changed(({ tensors }) => tensors.splice(1, 1)), `${Q}.lora_b`],
  ["the other half alone", () => changed(({ tensors }) => tensors.splice(0, 1)), `${Q}.lora_a`],
  [
    "a tensor that the model does not have",
    () => changed(({ tensors }) => tensors.forEach((each) => (each.name = each.name.replace("blk.0.", "blk.999.")))),
    "no tensor blk.999.attn_q.weight",
  ],
  [
    "a tensor of a projector",
    () => changed(({ tensors }) => tensors.forEach((each) => (each.name = each.name.replace("blk.0.", "v.blk.0.")))),
    "one of a projector",
  ],
  [
    "a tensor that is no half",
    () => changed(({ tensors }) => (tensors[0]!.name = Q)),
    "neither a .lora_a nor a .lora_b",
  ],
  [
    "a norm",
    () => changed(({ tensors }) => tensors.push(zeros("blk.0.attn_norm.weight", [embd]))),
    "blk.0.attn_norm.weight",
  ],
  [
    "inputs that do not fit",
    () => changed(({ tensors }) => Object.assign(tensors[0]!, zeros(`${Q}.lora_a`, [embd + 1, 4]))),
    Q,
  ],
  [
    "outputs that do not fit",
    () => changed(({ tensors }) => Object.assign(tensors[1]!, zeros(`${Q}.lora_b`, [4, embd + 1]))),
    Q,
  ],
  [
    "ranks that do not fit",
    () => changed(({ tensors }) => Object.assign(tensors[0]!, zeros(`${Q}.lora_a`, [embd, 5]))),
    Q,
  ],
  [
    "halves that are not transposed",
    () => changed(({ tensors }) => Object.assign(tensors[0]!, zeros(`${Q}.lora_a`, [4, embd]))),
    Q,
  ],
  [
    "a stack for a matrix",
    () => changed(({ tensors }) => Object.assign(tensors[0]!, zeros(`${Q}.lora_a`, [embd, 4, 2]))),
    Q,
  ],
  ["whole numbers", () => changed(({ tensors }) => (tensors[0]!.type = 26)), "of the type i32"],
  ["a tensor that is cut short", () => writeGguf(changed(() => {})).subarray(0, -200), "truncated"],
  ["a NaN", () => withNumber(3, NaN), "holds numbers that no weight has"],
  ["an infinite number", () => withNumber(embd * 4 - 1, -Infinity), "holds numbers that no weight has"],
  ["a number beyond all measure", () => withNumber(0, 1e30), "holds numbers that no weight has"],
];

describe("BAD_LORA names the file and what is wrong", () => {
  it.each(cases)("%s", async (_name, make, part) => {
    const file = folder.write("bad-adapter", make());
    const error = await errorOf(engine.loadAdapter(file));
    expect(error.code).toBe("BAD_LORA");
    expect(error.message).toContain("bad-adapter.gguf");
    expect(error.message).toContain(part);
    expect(error.message.length).toBeLessThan(500);
    expect(error.retryable).toBe(false);
    expect(engine.adapters()).toEqual([]);
    expect(await answer()).toBe(expected);
  });

  it("and the sound one is loaded", async () => {
    const adapter = await engine.loadAdapter(
      folder.write(
        "sound",
        changed(() => {}),
      ),
    );
    await adapter.unload();
  });
});

it("a file that is not there, or is none, is MODEL_NOT_FOUND; what is no path is INVALID_ARGUMENT", async () => {
  for (const name of ["none.gguf", "."]) {
    const error = await errorOf(engine.loadAdapter(folder.path(name)));
    expect(error.code).toBe("MODEL_NOT_FOUND");
  }
  writeFileSync(folder.path("there.txt"), "x");
  expect((await errorOf(engine.loadAdapter("https://example.com/a.gguf" as never))).code).toBe("INVALID_ARGUMENT");
  expect((await errorOf(engine.loadAdapter(new URL("https://example.com/a.gguf")))).code).toBe("INVALID_ARGUMENT");
  expect((await errorOf(engine.loadAdapter(7 as never))).code).toBe("INVALID_ARGUMENT");
});
