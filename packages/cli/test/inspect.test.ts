import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import path from "node:path";

import { Engine } from "medinfer";
import { describe, expect, it } from "vitest";

import { readGguf, splitGguf, withStrings } from "../../../test/support/gguf.mjs";
import { fromRoot } from "../../../test/support/paths.mjs";
import { vocabularyFile } from "../../../test/support/random-model.mjs";
import { embeddedModel, printed, printedJson, run, temporaryFolder } from "./support.js";

const folder = temporaryFolder();
const model = readFileSync(embeddedModel);
const header = model.subarray(0, 60_000);

/** Writes a file and returns its path. */
function file(name: string, bytes: Uint8Array): string {
  const at = path.join(folder, name);
  writeFileSync(at, bytes);
  return at;
}

interface Inspected {
  version: number;
  fileBytes: number;
  headerBytes: number;
  metadata: Record<string, { type: string; of?: string; value: unknown }>;
  tensors: { name: string; type: string; shape: number[]; elements: number; offset: number; bytes?: number }[];
}
const inspect = async (at: string) => (await printedJson(["inspect", "--json", at])) as Inspected;

describe("a model file", () => {
  it("is what the engine says of it once it is loaded", async () => {
    const { metadata, tensors } = await inspect(embeddedModel);
    const engine = await Engine.load({ nCtx: 64, device: "cpu", mmproj: null });
    const { info } = engine;
    await engine.close();
    expect(metadata["general.name"]?.value).toBe(info.name);
    expect(metadata["tokenizer.chat_template"]?.value).toBe(info.chatTemplate);
    expect(metadata["llama.block_count"]?.value).toBe(info.nLayer);
    expect(metadata["llama.context_length"]?.value).toBe(info.nCtxTrain);
    expect(metadata["tokenizer.ggml.tokens"]?.value).toHaveLength(info.nVocab);
    expect(tensors.reduce((sum, { elements }) => sum + elements, 0)).toBe(info.parameters);
    expect(tensors.reduce((sum, { bytes = 0 }) => sum + bytes, 0)).toBe(info.bytes);
  });

  it("has its weights where the list says", async () => {
    const { headerBytes, fileBytes, tensors } = await inspect(embeddedModel);
    const { tensors: expected } = readGguf(model);
    expect(fileBytes).toBe(model.length);
    expect(tensors.map(({ name }) => name)).toEqual(expected.map(({ name }) => name));
    expect(tensors[0]?.offset).toBe(headerBytes);
    for (const [i, { offset, bytes = 0 }] of tensors.entries()) {
      expect(model.subarray(offset, offset + bytes).equals(expected[i]!.data.subarray(0, bytes))).toBe(true);
    }
  });

  it("is shown on lines of some width", async () => {
    const lines = (await printed(["inspect", embeddedModel])).split("\n");
    expect(lines[0]).toMatch(/^GGUF version 3, 3\.\d MiB, of it \d+\.\d KiB before the weights$/);
    expect(lines).toContainEqual(expect.stringMatching(/^general\.name +string +"medinfer-tiny"$/));
    expect(lines).toContainEqual(
      expect.stringMatching(/^llama\.attention\.layer_norm_rms_epsilon +float32 +0\.00001$/),
    );
    expect(lines).toContainEqual(expect.stringMatching(/^tokenizer\.ggml\.tokens +string\[2016\] +"<unk>", .*, …$/));
    expect(lines).toContainEqual("38 tensors, 3.1 M parameters");
    expect(lines).toContainEqual(expect.stringMatching(/^q8_0 +29 tensors +3\.1 M parameters +3\.2 MiB$/));
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(200);
  });

  it("cannot act on the terminal", async () => {
    const text = "\u001b[2Jred\u009b31m\u202eright to left\r\nnext";
    const at = file("escapes.gguf", withStrings(model, { "general.name": text, "evil\u001b[2J": "x" }));
    const shown = await printed(["inspect", at]);

    expect(shown).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    expect((await inspect(at)).metadata["general.name"]?.value).toBe(text);
  });

  it("of several gigabytes is not read beyond its header", async () => {
    const at = file("large.gguf", model);
    // A hole: it takes no room on the disk, and would take seconds and gigabytes to read.
    truncateSync(at, 8 * 2 ** 30);
    const begin = performance.now();
    expect((await inspect(at)).fileBytes).toBe(8 * 2 ** 30);
    expect(performance.now() - begin).toBeLessThan(5_000);
  });

  it("may be a vocabulary alone, a projector, or a part of a split model", async () => {
    expect((await inspect(vocabularyFile("llama-bpe"))).metadata["tokenizer.ggml.merges"]?.value).toHaveLength(280147);
    const projector = await inspect(fromRoot("models", "medinfer-tiny-mmproj.gguf"));
    expect(projector.metadata["general.architecture"]?.value).toBe("clip");
    const [, part] = splitGguf(model, 3);
    const { metadata, tensors } = await inspect(file("part.gguf", part!));
    expect(metadata["split.no"]).toEqual({ type: "uint16", value: 1 });
    expect(tensors).toHaveLength(13);
  });
});

describe("a file that is damaged is refused in one line:", () => {
  const changed = (at: number, ...bytes: number[]) => {
    const copy = Buffer.from(header);
    copy.set(bytes, at);
    return copy;
  };
  const all = [255, 255, 255, 255, 255, 255, 255, 255];
  const cases: [string, Uint8Array, RegExp][] = [
    ["empty", new Uint8Array(0), /does not begin with "GGUF"/],
    ["no GGUF", Buffer.from("PK\x03\x04 and so on"), /does not begin with "GGUF"/],
    ["an older version", changed(4, 1), /is of version 1/],
    ["a newer version", changed(4, 9), /is of version 9/],
    ["big-endian", changed(4, 0, 0, 0, 3), /is big-endian/],
    ["cut in its counts", header.subarray(0, 20), /at byte 16: the number of values does not fit/],
    [
      "cut in its metadata",
      header.subarray(0, 30_000),
      /"tokenizer\.ggml\.\w+" does not fit: the file ends after 30000/,
    ],
    ["cut in its list of tensors", header.subarray(0, 49_500), /the file ends after 49500/],
    ["cut in its weights", model.subarray(0, 1_000_000), /the file ends, and the tensor ".*" lies up to byte \d+/],
    ["so many tensors", changed(8, ...all), /the list of tensors does not fit/],
    ["so many values", changed(16, ...all), /the metadata does not fit/],
    ["so long a key", changed(24, ...all), /a key does not fit/],
    ["an unknown type", changed(52, 77), /"general\.architecture" has the unknown type 77/],
  ];
  it.each(cases)("%s", async (name, bytes, message) => {
    const { status, stdout, stderr } = await run(["inspect", file(`${name}.gguf`, bytes)]);
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toMatch(/^medinfer: BAD_GGUF: [^\n]+\n$/);
    expect(stderr).toMatch(message);
  });

  it("no file, a folder, a pipe", async () => {
    const pipe = path.join(folder, "pipe.gguf");
    execFileSync("mkfifo", [pipe]);
    const inner = path.join(folder, "folder.gguf");
    mkdirSync(inner);
    for (const at of [path.join(folder, "missing.gguf"), inner, pipe]) {
      const { status, stderr } = await run(["inspect", at]);
      expect(status).toBe(1);
      expect(stderr).toMatch(/^medinfer: MODEL_NOT_FOUND: [^\n]+\n$/);
    }
  });
});
