import { writeFileSync } from "node:fs";
import path from "node:path";

import { Engine } from "medinfer";
import { describe, expect, it } from "vitest";

import { fromRoot } from "../../../test/support/paths.mjs";
import { tinyModel } from "../../../test/support/random-model.mjs";
import { hasPath, running } from "./server.js";
import { printed, printedJson, run, temporaryFolder } from "./support.js";

const folder = temporaryFolder();
const text = "Gout is";
const greedy = ["--temperature", "0", "--n-predict", "12"];
const { url } = running();

describe("a completion", () => {
  it("is the library's, of an argument, a file or stdin", async () => {
    const engine = await Engine.load({ mmproj: null, nThreads: 1 });
    const expected = (await engine.complete({ prompt: text, nPredict: 12, sampling: { temperature: 0 } }).result).text;
    await engine.close();
    const file = path.join(folder, "beginning.txt");
    writeFileSync(file, text);
    expect(await printed(["complete", ...greedy, text])).toBe(expected);
    expect(await printed(["complete", ...greedy], text)).toBe(expected);
    expect(await printed(["complete", ...greedy, "--file", file])).toBe(expected);
  });

  it("is the same with a model that guesses it", async () => {
    const plain = await printed(["complete", ...greedy, text]);
    const own = fromRoot("models", "medinfer-tiny.gguf");
    expect(await printed(["complete", ...greedy, "--draft", own, text])).toBe(plain);
    const { status, stderr } = await run(["complete", ...greedy, "--draft", tinyModel(), text]);
    expect(status).toBe(1);
    expect(stderr).toContain("has another vocabulary than the model: name one of the same family");
  });

  it("has the library's options under their names, and JSON", async () => {
    const args = [
      "--temperature",
      "0",
      "--n-predict",
      "40",
      "--n-threads",
      "auto",
      "--echo",
      "--stop-strings",
      "a",
      "--stop-strings",
      "e",
    ];
    const answer = (await printedJson(["complete", ...args, "--json", text])) as { text: string; finishReason: string };
    expect(answer.finishReason).toBe("stop");
    expect(answer.text.startsWith(text)).toBe(true);
    expect(answer.text.slice(text.length)).not.toMatch(/[ae]/);
  });

  it.each([
    ["a number out of its range", ["--top-p", "1.5"], "--top-p <number>': It has to be a number from 0 to 1."],
    ["a text for a number", ["--top-k", "Johanna"], "a whole number"],
    ["a name that is none", ["--miro-stat", "V3"], "DISABLED, V1, V2"],
    ["broken JSON", ["--token-bias", '{"Johanna": '], "It begins like JSON and is none."],
    ["two forms", ["--grammar", "a", "--json-schema", "b"], "cannot be used with option"],
    ["two texts", ["--file", "x"], "leave one of them out"],
  ])("refuses %s, and does not show it", async (_name, args, message) => {
    const { status, stderr } = await run(["complete", ...args, text]);
    expect(status).toBe(2);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain("Johanna");
  });

  it("refuses what the library refuses", async () => {
    const { status, stderr } = await run([
      "complete",
      "--min-tokens",
      "5",
      "--n-predict",
      "2",
      "--token-bias",
      '{"": 1}',
      text,
    ]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^medinfer: INVALID_ARGUMENT: [^\n]*\n$/);
  });

  it("ends quietly where its reader goes away", async () => {
    const args = ["complete", "--ignore-eos", "--n-predict", "2000", text];
    const { status, stderr } = await run(args, { closeAfter: 1 });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  });

  it("of a server is the same", async (context) => {
    if (!(await hasPath(url(), "/v1/completions"))) return context.skip("the server has no completions yet");
    const here = await printed(["complete", ...greedy, text]);
    expect(await printed(["complete", ...greedy, "--url", url(), text])).toBe(here);
  });
});
