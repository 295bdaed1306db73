import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { resolveModel } from "../../lib/models/resolve.js";
import { rejection } from "./support/collect.js";
import { packageRoot } from "./support/fake-binding.js";

vi.mock("../../lib/binding.js", () => import("./support/fake-binding.js"));

let root: string;
const at = (...parts: string[]) => path.join(root, ...parts);

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), "medinfer-models-"));
  const folders = {
    pair: ["model.gguf", "mmproj-model-f16.gguf", "README.md"],
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

  it("finds the projector beside a file where there is exactly one", async () => {
    expect(await resolveModel(at("pair", "model.gguf"), "auto")).toEqual({
      modelPath: at("pair", "model.gguf"),
      mmprojPath: at("pair", "mmproj-model-f16.gguf"),
      mmprojGuessed: true,
    });
    const shared = await resolveModel(at("shared", "b.gguf"), "auto");
    expect(shared.mmprojPath).toBe(at("shared", "my-MMPROJ.gguf"));
    expect((await resolveModel(at("alone", "model.GGUF"), "auto")).mmprojPath).toBe("");
    expect((await resolveModel(at("many", "a.gguf"), "auto")).mmprojPath).toBe("");
    expect((await resolveModel(at("pair", "model.gguf"), null)).mmprojPath).toBe("");
  });

  it("takes a model's folder", async () => {
    const files = { modelPath: at("pair", "model.gguf"), mmprojPath: at("pair", "mmproj-model-f16.gguf") };
    expect(await resolveModel(at("pair"), "auto")).toMatchObject(files);
    expect(await resolveModel(pathToFileURL(at("pair")), "auto")).toMatchObject(files);
    expect(await resolveModel(at("pair"), null)).toMatchObject({ ...files, mmprojPath: "" });
  });

  it.each(["alone", "many", "shared", "empty"])("refuses the folder %s, and says what it holds", async (name) => {
    const error = await rejection(resolveModel(at(name), "auto"));
    expect(error).toMatchObject({ code: "MODEL_NOT_FOUND" });
    expect(error.message).toMatch(/exactly two \.gguf files.*this one holds \d without and \d with/);
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
