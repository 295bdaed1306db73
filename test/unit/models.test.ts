import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { resolveModel } from "../../lib/models/resolve.js";
import { rejection } from "./support/collect.js";
import { packageRoot } from "./support/fake-binding.js";

vi.mock("../../lib/native/addon.js", () => import("./support/fake-binding.js"));

let root: string;
const at = (...parts: string[]) => path.join(root, ...parts);

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), "medinfer-models-"));
  const folders = {
    pair: ["model.gguf", "mmproj-model-f16.gguf", "README.md"],
    split: ["a-00001-of-00003.gguf", "a-00002-of-00003.gguf", "a-00003-of-00003.gguf", "mmproj-a.gguf"],
    alone: ["model.GGUF"],
    many: ["a.gguf", "b.gguf", "mmproj-a.gguf", "mmproj-b.gguf"],
    shared: ["a.gguf", "b.gguf", "my-MMPROJ.gguf"],
    empty: [],
  };
  for (const [folder, files] of Object.entries(folders)) {
    await mkdir(at(folder));
    for (const file of files) await writeFile(at(folder, file), "");
  }
});
afterAll(() => rm(root, { recursive: true }));

describe("resolveModel", () => {
  it("takes the embedded model by default, with its projector", async () => {
    const modelPath = path.join(packageRoot, "models", "medinfer-tiny.gguf");
    const mmprojPath = path.join(packageRoot, "models", "medinfer-tiny-mmproj.gguf");
    expect(await resolveModel(undefined, "auto")).toMatchObject({ modelPath, mmprojPath });
    expect(await resolveModel(undefined, null)).toMatchObject({ modelPath, mmprojPath: "" });
    const other = at("pair", "mmproj-model-f16.gguf");
    expect(await resolveModel(undefined, other)).toMatchObject({ modelPath, mmprojPath: other });
  });

  it("lists what may be the projector of a file, and says whether another model could own it", async () => {
    const listed = async (model: string, mmproj: "auto" | null = "auto") => {
      const files = await resolveModel(model, mmproj);
      expect(files).toMatchObject({ modelPath: model, mmprojPath: "" });
      return { candidates: files.mmprojCandidates.map((file) => path.basename(file)), onlyModel: files.onlyModel };
    };
    expect(await listed(at("pair", "model.gguf"))).toEqual({ candidates: ["mmproj-model-f16.gguf"], onlyModel: true });
    expect(await listed(at("shared", "b.gguf"))).toEqual({ candidates: ["my-MMPROJ.gguf"], onlyModel: false });
    expect(await listed(at("alone", "model.GGUF"))).toEqual({ candidates: [], onlyModel: true });
    const many = { candidates: ["mmproj-a.gguf", "mmproj-b.gguf"], onlyModel: false };
    expect(await listed(at("many", "a.gguf"))).toEqual(many);
    expect(await listed(at("split", "a-00001-of-00003.gguf"))).toEqual({
      candidates: ["mmproj-a.gguf"],
      onlyModel: true,
    });
    expect(await listed(at("pair", "model.gguf"), null)).toEqual({ candidates: [], onlyModel: false });
  });

  it("does not list a file as the projector of itself", async () => {
    const files = await resolveModel(at("many", "mmproj-a.gguf"), "auto");
    expect(files.mmprojCandidates).toEqual([at("many", "mmproj-b.gguf")]);
  });

  it.each([
    ["pair", "model.gguf", ["mmproj-model-f16.gguf"]],
    ["split", "a-00001-of-00003.gguf", ["mmproj-a.gguf"]],
    ["alone", "model.GGUF", []],
  ])("takes the folder %s", async (folder, model, candidates) => {
    const files = {
      modelPath: at(folder, model),
      mmprojPath: "",
      mmprojCandidates: candidates.map((name) => at(folder, name)),
      onlyModel: true,
    };
    expect(await resolveModel(at(folder), "auto")).toEqual(files);
    expect(await resolveModel(pathToFileURL(at(folder)), "auto")).toEqual(files);
    expect(await resolveModel(at(folder), null)).toMatchObject({ modelPath: files.modelPath, mmprojCandidates: [] });
    const named = at("pair", "mmproj-model-f16.gguf");
    expect(await resolveModel(at(folder), named)).toMatchObject({ mmprojPath: named, mmprojCandidates: [] });
  });

  it.each([
    ["many", "2 models (a.gguf, b.gguf) and 2 such files"],
    ["shared", "2 models (a.gguf, b.gguf) and 1 such files"],
    ["empty", "0 models and 0 such files"],
  ])("refuses the folder %s, and says what it holds", async (name, held) => {
    const error = await rejection(resolveModel(at(name), "auto"));
    expect(error).toMatchObject({ code: "MODEL_NOT_FOUND" });
    expect(error.message).toContain(`this one holds ${held}: name the file`);
  });

  it("takes file: URLs, as objects and as texts", async () => {
    const url = pathToFileURL(at("alone", "model.GGUF"));
    expect((await resolveModel(url, null)).modelPath).toBe(at("alone", "model.GGUF"));
    expect((await resolveModel(url.href, null)).modelPath).toBe(at("alone", "model.GGUF"));
  });

  it("says which file is missing", async () => {
    const model = await rejection(resolveModel(at("no.gguf"), "auto"));
    expect(model).toMatchObject({
      code: "MODEL_NOT_FOUND",
      message: expect.stringMatching(/^model .*no\.gguf: there is no such file/) as string,
    });
    const mmproj = await rejection(resolveModel(at("pair", "model.gguf"), at("no.gguf")));
    expect(mmproj).toMatchObject({ code: "MODEL_NOT_FOUND", message: expect.stringMatching(/^mmproj /) as string });
    expect(await rejection(resolveModel(at("pair", "model.gguf"), at("pair")))).toMatchObject({
      code: "MODEL_NOT_FOUND",
    });
  });

  it.each(["hf:org/repo:Q4_K_M", "https://example.org/model.gguf"])("refuses %s for now", async (model) => {
    const error = await rejection(resolveModel(model, "auto"));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", issues: [{ path: "model" }] });
  });
});
