// The makers' own figures, stored: see test/truth. `npm run truth` makes them again, and compares more.
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";

import { Engine } from "medinfer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { blocksPng } from "../support/images.mjs";
import { compare, faults, relativeError } from "../truth/compare.mjs";
import { visionKinds } from "../truth/kinds.mjs";
import { storedCases, storedFolder, unpackCase } from "../truth/store.mjs";
import uncovered from "../truth/uncovered.json" with { type: "json" };

let folder: string;
beforeAll(() => void (folder = mkdtempSync(path.join(os.tmpdir(), "medinfer-truth-"))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const cases = storedCases();

test.each(cases)("%s is right against its makers", async (name) => {
  unpackCase(name, folder);
  expect(faults(await compare(folder, storedFolder))).toEqual([]);
});

test.each([
  ["mlp", { reading: "named", run: 3, stored: 3 }],
  ["mlp_dropped", { reading: "dropped", run: 11, stored: 11 }],
  ["mlp_whole", { reading: "whole", run: 11, stored: 12 }],
])("info says how the layers of a LLaVA tower are read: %s", async (name, layers) => {
  unpackCase(`vision/${name}`, folder);
  const file = (each: string) => path.join(folder, each);
  const engine = await Engine.load({ model: file("model.gguf"), mmproj: file("mmproj.gguf"), device: "cpu" });
  expect(engine.info.projector).toEqual({ kind: "mlp", layers });
  await engine.close();
});

// As many tokens in grids of other shapes: they must not be taken for images of one shape.
test.each(["gemma4v", "internvl_6b", "deepseekocr"])("an upright and a lying picture together: %s", async (name) => {
  unpackCase(`vision/${name}`, folder);
  const file = (each: string) => path.join(folder, each);
  const [model, mmproj] = [file("model.gguf"), file("mmproj.gguf")];
  const engine = await Engine.load({ model, mmproj, device: "cpu", imageCacheBytes: 0 });
  const pictures = [100, 200].map((width) => blocksPng(width, { width, height: 300 - width }));
  const alone = [];
  for (const picture of pictures) alone.push((await engine.embedImage(picture)).values);
  const together = await Promise.all(pictures.map((picture) => engine.embedImage(picture)));
  for (const [i, { values }] of together.entries()) expect(relativeError(values, alone[i]!)).toBeLessThan(1e-4);
  await engine.close();
});

describe("the comparison", () => {
  test("covers every kind of projector, or says why not", () => {
    const kinds = new Set(visionKinds().filter((kind) => !(kind in uncovered)));
    const covered = new Set<string>();
    for (const name of cases.filter((each) => each.startsWith("vision/"))) covered.add(unpackCase(name, folder).kind);
    expect([...kinds].filter((kind) => !covered.has(kind))).toEqual([]);
  });

  test("finds the rounding of an F16 cache", async () => {
    unpackCase(
      cases.find((each) => each.startsWith("text/llama"))!,
      folder,
    );
    const { logits } = await compare(folder, storedFolder, { load: { kv: { type: "f16" } } });
    expect(logits).toBeGreaterThan(1e-4);
    expect(logits).toBeLessThan(1e-2);
  });

  test("finds a picture in the place of another", async () => {
    const about = unpackCase("vision/qwen2vl_merger", folder);
    about.picture = "tiny";
    const { logits } = await compare(folder, storedFolder, { about });
    expect(logits).toBeGreaterThan(1e-2);
  });
});
