import { expect, it } from "vitest";

import { fromRoot } from "../../../test/support/paths.mjs";
import { printed, printedJson, run } from "./support.js";

const small = ["--prompt-tokens", "16", "--n-predict", "4", "--repeat", "1"];

it("measures a model that is there", async () => {
  const image = ["--image", fromRoot("test", "fixtures", "images", "rgb.png")];
  const result = (await printedJson(["bench", ...small, ...image, "--batch-size", "2", "--json"])) as Record<
    string,
    number
  >;
  expect(result).toMatchObject({
    model: { name: "medinfer-tiny", parameters: expect.any(Number) },
    plan: { promptTokens: 16, answerTokens: 4, repeat: 1, concurrency: 2 },
    concurrency: 2,
  });
  const names = [
    "promptTokensPerSecond",
    "firstTokenMs",
    "answerTokensPerSecond",
    "togetherTokensPerSecond",
    "imagesPerSecond",
  ];
  for (const name of names) expect(result[name], name).toBeGreaterThan(0);
});

it("prints a table, with the images of the package", async () => {
  const lines = (await printed(["bench", ...small])).trimEnd().split("\n");
  expect(lines).toHaveLength(6);
  expect(lines[0]).toMatch(/^medinfer-tiny, /);
  expect(lines.at(-1)).toMatch(/^images +[\d.]+ images\/s$/);
});

it("refuses what gives no rate", async () => {
  expect(await run(["bench", "--n-predict", "1"])).toMatchObject({ status: 2, stdout: "" });
});
