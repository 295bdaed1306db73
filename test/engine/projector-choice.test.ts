// Of the projectors beside a model only its own is taken. The models are those of test/truth: tiny, and of every kind.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";

import { Engine } from "medinfer";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";

import { readGguf, splitGguf, withStrings } from "../support/gguf.mjs";
import { whitePng } from "../support/images.mjs";
import { randomModel, tinyModel } from "../support/random-model.mjs";
import { storedCases, unpackCase } from "../truth/store.mjs";

let root: string;
/** Of all stored models: a folder each, without names in the metadata. */
let plain: string;
let folder: string;
/** Caught instead of printed. */
const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => {});

const nameKeys = ["name", "basename", "size_label", "finetune", "base_model.0.name", "base_model.0.repo_url"];
const nameless = Object.fromEntries(nameKeys.map((key) => [`general.${key}`, undefined]));

const vision = storedCases().filter((name) => name.startsWith("vision/"));
const text = storedCases().filter((name) => name.startsWith("text/"));
/** Towers that were compared beside a small llama: their own text models are of other architectures. */
const besideLlama = ["cogvlm", "deepseek4v", "mimovl", "youtuvl"].map((kind) => `vision/${kind}`);
const pairs = vision.filter((name) => !besideLlama.includes(name));
const kinds = new Map<string, string>();

beforeAll(() => {
  root = mkdtempSync(path.join(os.tmpdir(), "medinfer-projectors-"));
  plain = path.join(root, "plain");
  for (const name of [...vision, ...text]) {
    const at = path.join(plain, name);
    kinds.set(name, unpackCase(name, at).kind);
    for (const file of ["model.gguf", ...(vision.includes(name) ? ["mmproj.gguf"] : [])]) {
      writeFileSync(path.join(at, file), withStrings(readFileSync(path.join(at, file)), nameless));
    }
  }
});
afterAll(() => {
  warned.mockRestore();
  rmSync(root, { recursive: true, force: true });
});
beforeEach(() => {
  folder = mkdtempSync(path.join(root, "case-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const put = (name: string, bytes: Uint8Array) => {
  mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
  writeFileSync(path.join(folder, name), bytes);
};
const model = (name: string) => readFileSync(path.join(plain, name, "model.gguf"));
const mmproj = (name: string) => readFileSync(path.join(plain, name, "mmproj.gguf"));
const named = (bytes: Buffer, name: string, more: Record<string, string> = {}) =>
  withStrings(bytes, { "general.name": name, ...more });

/** What is attached to the model at `at` in the folder, and the warning about it. */
async function choice(at = ""): Promise<{ kind: string | undefined; warning: string }> {
  warned.mockClear();
  const engine = await Engine.load({ model: path.join(folder, at), device: "cpu", nCtx: 64, nThreads: 1 });
  const { projector, projectorWarning, vision: reads } = engine.info;
  await engine.close();
  expect(reads).toBe(projector !== null);
  const about = { type: "MedInferWarning", code: "MEDINFER_MMPROJ" };
  const warnings = warned.mock.calls.filter(([, options]) => (options as typeof about).code === about.code);
  expect(warnings).toEqual(projectorWarning === "" ? [] : [[`the model reads no images: ${projectorWarning}`, about]]);
  return { kind: projector?.kind, warning: projectorWarning };
}

/** Kinds of encoders that were put before text models of many architectures. */
const takesAny = ["adapter", "idefics3", "internvl", "ldp", "ldpv2", "mlp", "mlp_norm", "resampler", "yasa2"];
const architectureOf = (name: string) =>
  readGguf(model(name)).metadata.get("general.architecture")!.bytes.toString("utf8", 8);
/** Architectures that a kind of projector is made for, too, and no stored pair has: Sarashina2-Vision, Step3-VL, Mistral Small. */
const alsoFor: Record<string, string[]> = { qwen2vl_merger: ["llama"], step3vl: ["qwen3"], pixtral: ["mistral3"] };
/** Those of the stored models that have a projector of this kind: a text model of one of them could be such a one. */
const architecturesOf = (kind: string) => [
  ...(alsoFor[kind] ?? []),
  ...pairs.filter((name) => kinds.get(name) === kind).map(architectureOf),
];

/** A model of its own for each stored case: names of two words, none of them within another. */
const fileOf = (name: string) => name.replace("/", "-");
const nameOf = (name: string) => `Family${[...vision, ...text].indexOf(name)} 7B`;

describe("a model and a projector alone in a folder, without names", () => {
  test.each(pairs)("%s: its own is taken", async (name) => {
    put("model.gguf", model(name));
    put("mmproj.gguf", mmproj(name));
    expect(await choice()).toEqual({ kind: kinds.get(name), warning: "" });
  });

  test.each(besideLlama)("%s: that of another architecture is not", async (name) => {
    put("model.gguf", model(name));
    put("mmproj.gguf", mmproj(name));
    const { kind, warning } = await choice();
    expect(kind).toBeUndefined();
    expect(warning).toMatch(/^no projector beside the model fits it \(mmproj\.gguf is made for the architecture \S+\)/);
  });

  // What every file says of itself decides here: two llamas of one width differ in their names alone.
  test.each([...pairs, ...text])("%s: those of other architectures are not", async (name) => {
    put("model.gguf", model(name));
    const words = ["f16", "f32", "bf16", "model", "gguf", "chat", "hf", "it"];
    const others = pairs.filter((each) => kinds.get(each) !== kinds.get(name) && !takesAny.includes(kinds.get(each)!));
    for (const [i, each] of others.entries()) {
      if (architecturesOf(kinds.get(each)!).includes(architectureOf(name))) continue;
      put(`mmproj-${words[i % 8]}-${words[i >> 3]}.gguf`, mmproj(each));
    }
    const { kind, warning } = await choice();
    expect(kind).toBeUndefined();
    expect(warning).toContain("is made for the architecture");
  });
});

describe("all models and all projectors in one folder", () => {
  beforeEach(() => {
    for (const name of [...vision, ...text]) {
      const file = fileOf(name);
      put(`${file}.gguf`, named(model(name), nameOf(name)));
      if (vision.includes(name)) put(`mmproj-${file}.gguf`, named(mmproj(name), nameOf(name)));
    }
  });

  test("each model gets its own, and no other", async () => {
    for (const name of pairs)
      expect(await choice(`${fileOf(name)}.gguf`)).toEqual({ kind: kinds.get(name), warning: "" });
    for (const name of [...besideLlama, ...text]) {
      const { kind, warning } = await choice(`${fileOf(name)}.gguf`);
      expect(kind).toBeUndefined();
      expect(warning).toMatch(/^no projector beside the model fits it \(mmproj-.*; and \d+ more\)/);
    }
  });
});

describe("two files of one width", () => {
  const llava = "vision/mlp";
  const pair = (m: string, p: string, more: { m?: Record<string, string>; p?: Record<string, string> } = {}) => {
    put("a.gguf", m === "" ? withStrings(model(llava), more.m ?? {}) : named(model(llava), m, more.m));
    put("mmproj-f16.gguf", p === "" ? withStrings(mmproj(llava), more.p ?? {}) : named(mmproj(llava), p, more.p));
  };

  test.each([
    ["Qwen2.5 VL 7B Instruct", "Qwen2.5-Vl-7B-Instruct"],
    ["Llava v1.5 7B Q4_K_M", "llava-1.5-7b"],
    ["Gemma 3 4b It Abliterated", "Gemma 3 4b It"],
    ["LLaMA v2", ""],
    ["LLaMA v2", "openai/clip-vit-large-patch14-336"],
    ["Ärztin 7B", "Ärztin-7b"],
  ])("named %j and %j belong together", async (m, p) => {
    pair(m, p);
    expect(await choice()).toEqual({ kind: "mlp", warning: "" });
  });

  test.each([
    ["Meditron 7B", "Llava 7B"],
    // The text model that LLaVA was made from.
    ["Llama 3 8B", "LLaVA Llama 3 8B"],
    ["Gemma 3 12b It", "Gemma 3 4b It"],
    ["Medgemma 4b It", "Gemma 3 4b It"],
  ])("named %j and %j do not", async (m, p) => {
    pair(m, p);
    const { kind, warning } = await choice();
    expect(kind).toBeUndefined();
    expect(warning).toBe(
      "no projector beside the model fits it (mmproj-f16.gguf names another model): " +
        "name the model's own with mmproj, or pass mmproj: null",
    );
  });

  test("belong together where the model was made from the one that the projector names", async () => {
    pair("My Clinic", "Gemma 3 4b It", { m: { "general.base_model.0.name": "Gemma 3 4b It" } });
    expect((await choice()).kind).toBe("mlp");
    pair("My Clinic", "Gemma 3 4b It", {
      m: { "general.base_model.0.repo_url": "https://huggingface.co/google/gemma-3-4b-it" },
    });
    expect((await choice()).kind).toBe("mlp");
    // Another model that was made from this one has a tower of its own.
    pair("Gemma 3 4b It", "Medgemma 4b It", { p: { "general.base_model.0.name": "Gemma 3 4b It" } });
    expect((await choice()).kind).toBeUndefined();
  });

  test("belong together by their files' names where the metadata have none", async () => {
    for (const name of ["llava-v1.5-7b", "bakllava-1"]) {
      put(`${name}-Q4_K_M.gguf`, model(llava));
      put(`${name}-mmproj-f16.gguf`, mmproj(llava));
    }
    put("meditron-7b.gguf", model(llava));
    expect(await choice("llava-v1.5-7b-Q4_K_M.gguf")).toEqual({ kind: "mlp", warning: "" });
    expect(await choice("bakllava-1-Q4_K_M.gguf")).toEqual({ kind: "mlp", warning: "" });
    expect((await choice("meditron-7b.gguf")).kind).toBeUndefined();
  });

  test("do not belong together where nothing says so, and another model lies there", async () => {
    put("a.gguf", model(llava));
    put("b.gguf", model(llava));
    put("mmproj.gguf", mmproj(llava));
    const { kind, warning } = await choice("a.gguf");
    expect(kind).toBeUndefined();
    expect(warning).toContain("mmproj.gguf does not say whose it is");
  });

  test("are distinguished by the surer sign", async () => {
    put("llava-7b.gguf", named(model(llava), "Llava 7B", { "general.base_model.0.name": "Vicuna 7B" }));
    put("mmproj-own.gguf", named(mmproj(llava), "Llava 7B"));
    put("mmproj-base.gguf", named(mmproj("vision/ldp"), "Vicuna 7B"));
    expect(await choice()).toEqual({ kind: "mlp", warning: "" });
  });

  test("of one model: none is taken, and the error of a request with an image names both", async () => {
    put("a.gguf", model(llava));
    put("mmproj-f16.gguf", mmproj(llava));
    put("mmproj-f32.gguf", mmproj(llava));
    const { kind, warning } = await choice();
    expect(kind).toBeUndefined();
    expect(warning).toMatch(
      /^several projectors beside the model fit it \(mmproj-f16\.gguf; mmproj-f32\.gguf\): name /,
    );
    const engine = await Engine.load({ model: folder, device: "cpu", nCtx: 64 });
    const prompt = [{ type: "image" as const, image: whitePng(32, 32) }];
    const error: unknown = await engine.complete({ prompt }).result.catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "NO_VISION", message: expect.stringContaining(warning) as string });
    await engine.close();
  });
});

test("a projector of another width is not taken, whatever it is called", async () => {
  put("llava-7b.gguf", named(readFileSync(tinyModel()), "Llava 7B"));
  put("mmproj-llava-7b.gguf", named(readFileSync(randomModel("llava-mmproj", { out: 64 })), "Llava 7B"));
  const { kind, warning } = await choice();
  expect(kind).toBeUndefined();
  expect(warning).toMatch(/mmproj-llava-7b\.gguf gives 64 values per token, and the model takes \d+/);
});

test("a projector for text models is not taken for one with M-RoPE, nor the other way round", async () => {
  put("a.gguf", model("vision/qwen2vl_merger"));
  put("mmproj.gguf", mmproj("vision/mlp"));
  expect((await choice()).warning).toContain("mmproj.gguf is not made for a model with M-RoPE");
  put("a.gguf", model("text/glm4"));
  put("mmproj.gguf", mmproj("vision/glm4v"));
  expect((await choice()).warning).toContain("mmproj.gguf needs a model with M-RoPE");
});

test.each(["no GGUF at all", "GGUF and then nothing"])(
  "a damaged file beside the model does not keep it from loading: %s",
  async (bytes) => {
    put("a.gguf", model("vision/mlp"));
    put("mmproj.gguf", Buffer.from(bytes));
    const { kind, warning } = await choice();
    expect(kind).toBeUndefined();
    expect(warning).toContain("mmproj.gguf is no projector for images, or damaged");
  },
);

test("nothing is said where nothing lies there, or where none is wanted", async () => {
  put("a.gguf", model("text/llama_linear"));
  expect(await choice()).toEqual({ kind: undefined, warning: "" });
  put("mmproj.gguf", mmproj("vision/qwen2vl_merger"));
  const engine = await Engine.load({ model: folder, mmproj: null, device: "cpu" });
  expect(engine.info.projectorWarning).toBe("");
  await engine.close();
});

describe("a model in parts", () => {
  const parts = (name: string) =>
    splitGguf(named(model("vision/mlp"), "Llava 7B"), 3).map((bytes, i) => {
      const file = `${name}-0000${i + 1}-of-00003.gguf`;
      put(file, bytes);
      return file;
    });

  test("loads from its folder, with its projector, as the whole one does", async () => {
    parts("llava-7b");
    put("mmproj-llava-7b.gguf", named(mmproj("vision/mlp"), "Llava 7B"));
    expect(await choice()).toEqual({ kind: "mlp", warning: "" });
    expect(await choice("llava-7b-00001-of-00003.gguf")).toEqual({ kind: "mlp", warning: "" });
    const say = async (file: string) => {
      const engine = await Engine.load({ model: file, mmproj: null, device: "cpu", nCtx: 64 });
      const { text } = await engine.complete({ prompt: "abc", nPredict: 8, sampling: { temperature: 0 } }).result;
      await engine.close();
      return text;
    };
    put("whole/model.gguf", model("vision/mlp"));
    expect(await say(folder)).toBe(await say(path.join(folder, "whole", "model.gguf")));
  });

  test.each([
    [1, /is a later part of a split model: name the first, whose name ends with -00001-of-/],
    [2, /is a later part of a split model/],
  ])("names the first part where part %i is given", async (i, message) => {
    const file = path.join(folder, parts("llava-7b")[i]!);
    const error: unknown = await Engine.load({ model: file, device: "cpu" }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "BAD_GGUF", message: expect.stringMatching(message) as string });
  });
});

test.each(["mmproj-a.gguf", "a.gguf"])("a projector given as the model is called one: %s", async (name) => {
  put(name, mmproj("vision/mlp"));
  const load = Engine.load({ model: path.join(folder, name), device: "cpu" });
  const error: unknown = await load.catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: "BAD_GGUF" });
  expect((error as Error).message).toMatch(
    /is a projector, the part that reads images: name it as mmproj, and the model that it belongs to as model$/,
  );
});
