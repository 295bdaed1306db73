import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";

import { describe, expect, it } from "vitest";

import { fromRoot } from "../../../test/support/paths.mjs";
import { embeddedModel, printed, printedJson, run, temporaryFolder } from "./support.js";
import { running } from "./server.js";

const folder = temporaryFolder();
const { url } = running([
  { name: "one", aliases: ["first"], nThreads: 1 },
  { name: "two", model: embeddedModel, task: "embed", pooling: "mean" },
]);

describe("the models of a folder", () => {
  const models = path.join(folder, "models");
  mkdirSync(path.join(models, "inner"), { recursive: true });
  symlinkSync(embeddedModel, path.join(models, "tiny.gguf"));
  symlinkSync(fromRoot("models", "medinfer-tiny-mmproj.gguf"), path.join(models, "inner", "mmproj.gguf"));
  writeFileSync(path.join(models, "broken.gguf"), "GGUF");
  writeFileSync(path.join(models, "notes.txt"), "");

  it("are told with what their headers say, damaged ones too", async () => {
    expect(await printedJson(["models", models, "--json"])).toEqual([
      expect.objectContaining({ file: path.join(models, "broken.gguf"), error: expect.stringMatching(/^BAD_GGUF: /) }),
      expect.objectContaining({
        file: path.join(models, "inner", "mmproj.gguf"),
        kind: "projector",
        architecture: "clip",
      }),
      expect.objectContaining({
        ...{ file: path.join(models, "tiny.gguf"), kind: "model", architecture: "llama", context: 4096 },
        ...{ name: "medinfer-tiny", weights: "q8_0", parameters: expect.any(Number), bytes: expect.any(Number) },
      }),
    ]);
    const lines = (await printed(["models", models])).trimEnd().split("\n");
    expect(lines).toHaveLength(3);
    expect(lines[2]).toMatch(/tiny\.gguf +3\.2 MiB +model +llama +3\.1 M q8_0 +context 4096 +medinfer-tiny$/);
  });

  it("are none in an empty folder, and one that is not there is an error", async () => {
    expect(await printed(["models", path.join(models, "inner", "..", "..")])).toContain("tiny.gguf");
    const { status, stderr } = await run(["models", "missing"]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^medinfer: MODEL_NOT_FOUND: missing cannot be read \(ENOENT\): name a folder\n$/);
  });
});

it("the models of a server are told with their state", async () => {
  const lines = (await printed(["models", "--url", url()])).trimEnd().split("\n");
  expect(lines).toEqual([
    expect.stringMatching(/^one +generate +unloaded +first$/),
    expect.stringMatching(/^two +embed/),
  ]);
  expect(await printedJson(["models", "--url", `${url()}/`, "--json"])).toMatchObject([{ id: "one" }, { id: "two" }]);
});
