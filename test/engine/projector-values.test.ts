// What libmtmd divides by, loops over, allocates by or ends the process over is refused at load: by the name of the key or the
// tensor, and with the value.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";

import { Engine } from "medinfer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { readGguf, writeGguf } from "../fuzz/metadata/gguf.mjs";
import { applyMutations } from "../fuzz/metadata/mutate.mjs";
import { storedFolder, unpackCase } from "../truth/store.mjs";

let folder: string;
beforeAll(() => void (folder = mkdtempSync(path.join(os.tmpdir(), "medinfer-values-"))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const vision = (key: string): string => `clip.vision.${key}`;
const number = (key: string, value: number): object => ({ key: vision(key), type: "u32", value: String(value) });
const float = (key: string, value: number): object => ({ key: vision(key), type: "f32", value: String(value) });
const list = (key: string, element: string, values: number[]): object => ({
  key: vision(key),
  type: "array",
  element,
  value: values.map(String),
});
const gone = (key: string): object => ({ key: vision(key), gone: true });

/** How the file of a stored case is changed, and what the error must say. */
type Change = [mutations: object[], says: string];
const changed = (key: string, value: number): Change => [[number(key, value)], `${vision(key)} is ${value}`];

const changes: Record<string, Change[]> = {
  mlp: [
    ...[0, 129, 4294967295].map((value) => changed("patch_size", value)),
    ...[0, 1, 4097, 4294967295].map((value) => changed("image_size", value)),
    [[number("attention.head_count", 5)], "clip.vision.embedding_length is 32: it does not divide into 5 heads"],
    ...[0, 4097].map((value) => changed("attention.head_count", value)),
    ...[0, 1025].map((value) => changed("block_count", value)),
    changed("embedding_length", 0),
    [[float("attention.layer_norm_epsilon", -1)], "layer_norm_epsilon is -1"],
    [[float("attention.layer_norm_epsilon", NaN)], "layer_norm_epsilon is"],
    [[float("patch_size", 14)], "clip.vision.patch_size has the type f32, not u32"],
    [[gone("patch_size")], "it has no clip.vision.patch_size"],
    [[list("image_std", "f32", [1, 0, 1])], "clip.vision.image_std holds 0"],
    [[list("image_std", "f32", [1, NaN, 1])], "clip.vision.image_std holds"],
    [[list("image_mean", "f32", [1, 1])], "clip.vision.image_mean holds 2 values"],
    [[list("image_mean", "u32", [1, 1, 1])], "clip.vision.image_mean is a list of u32, not of f32"],
    [[list("feature_layer", "i32", [-2])], "clip.vision.feature_layer holds -2"],
    [[list("feature_layer", "i32", [-1])], "clip.vision.feature_layer names no layer"],
    [[list("feature_layer", "i32", [2000])], "clip.vision.feature_layer holds 2000"],
    [[list("image_grid_pinpoints", "i32", [7])], "clip.vision.image_grid_pinpoints holds an odd number of sides"],
    [[list("image_grid_pinpoints", "i32", [7, 7])], "clip.vision.image_grid_pinpoints holds 7 x 7"],
    [[{ tensor: "v.blk.0.attn_q.weight", gone: true }], "it has no tensor v.blk.0.attn_q.weight"],
    [[{ tensor: "v.blk.0.attn_q.weight", type: 26 }], "the tensor v.blk.0.attn_q.weight has the type i32"],
  ],
  qwen2vl_merger: [0, 1, 3].map((value) => changed("spatial_merge_size", value)),
  "qwen2.5vl_merger": [changed("patch_size", 57)],
  youtuvl: [changed("window_size", 1), changed("spatial_merge_size", 4)],
  granite4_vision: [
    changed("projector.window_side", 0),
    changed("projector.query_side", 0),
    [[gone("image_grid_pinpoints")], "it has no clip.vision.image_grid_pinpoints"],
    [[list("feature_layer", "i32", [1, 1, 1, 1, 1])], "clip.vision.feature_layer holds 5 layers"],
  ],
  "idefics3-smolvlm": [changed("preproc_image_size", 16384), changed("projector.scale_factor", 0)],
  internvl_6b: [changed("preproc_max_tiles", 1 << 20), changed("preproc_min_tiles", 64)],
  deepseekocr: [changed("sam.head_count", 0), changed("window_size", 65), changed("window_size", 5000)],
  dots3note_v: [changed("expert_used_count", 0)],
  phi4: [changed("image_min_pixels", 2147483647), changed("image_max_pixels", 1)],
  gemma3: [changed("projector.scale_factor", 0)],
  mimovl: [changed("attention.head_count_kv", 0)],
  hunyuanvl: [[[{ tensor: "v.position_embd.weight", type: 1 }], "position embeddings are not of the type f32"]],
};

describe.each(Object.entries(changes))("a projector of the kind of %s", (name, kinds) => {
  let model: string;
  let sound: Buffer;
  beforeAll(() => {
    const unpacked = path.join(folder, name);
    unpackCase(`vision/${name}`, unpacked);
    model = path.join(unpacked, "model.gguf");
    sound = readFileSync(path.join(unpacked, "mmproj.gguf"));
  });

  test.each(kinds)("%j", async (mutations, says) => {
    const gguf = readGguf(sound);
    applyMutations(gguf, mutations as Parameters<typeof applyMutations>[1]);
    const mmproj = path.join(folder, "changed.gguf");
    writeFileSync(mmproj, writeGguf(gguf));
    const error = await Engine.load({ model, mmproj, device: "cpu" }).then(
      () => undefined,
      (reason: unknown) => reason as { code: string; message: string },
    );
    expect(error?.code).toBe("BAD_MMPROJ");
    expect(error?.message).toContain(says);
    expect(error?.message.replace(mmproj, "").length).toBeLessThan(250);
  });
});

test("a projector's encoder of sound is not read", async () => {
  const unpacked = path.join(folder, "hears");
  unpackCase("vision/qwen2.5o", unpacked);
  const mmproj = path.join(unpacked, "mmproj.gguf");
  const gguf = readGguf(readFileSync(mmproj));
  const none = (key: string) => ({ key: `clip.audio.${key}`, type: "u32", value: "0" });
  applyMutations(gguf, [none("block_count"), none("attention.head_count")]);
  writeFileSync(mmproj, writeGguf(gguf));
  const engine = await Engine.load({ model: path.join(unpacked, "model.gguf"), mmproj, device: "cpu" });
  expect((await engine.embedImage(path.join(storedFolder, "tiny.png"))).tokens).toBeGreaterThan(0);
  await engine.close();
});
