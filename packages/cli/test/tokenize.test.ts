import { writeFileSync } from "node:fs";
import path from "node:path";

import { Engine } from "medinfer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { embeddedModel, printed, printedJson, run, temporaryFolder } from "./support.js";

const folder = temporaryFolder();
const text = "What is gout? </s>\n 500 mg twice daily";

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.load({ nCtx: 64, device: "cpu", mmproj: null });
});
afterAll(() => engine.close());

interface Tokens {
  count: number;
  tokens: { id: number; piece: string }[];
}

describe("the tokens of a text", () => {
  it("are the engine's, and their pieces are the text", async () => {
    const { count, tokens } = (await printedJson(["tokenize", "--json", text])) as Tokens;
    const ids = Array.from(engine.tokenize(text));
    expect(tokens.map(({ id }) => id)).toEqual(ids);
    expect(count).toBe(ids.length);
    expect(tokens.map(({ piece }) => piece).join("")).toBe(text);
  });

  it("come one a line", async () => {
    const lines = (await printed(["tokenize", text])).trimEnd().split("\n");
    const { tokens } = (await printedJson(["tokenize", "--json", text])) as Tokens;
    expect(lines).toEqual(tokens.map(({ id, piece }) => `${id}\t${JSON.stringify(piece)}`));
  });

  it("are counted", async () => {
    const { length } = engine.tokenize(text);
    expect(await printed(["tokenize", "--count", text])).toBe(`${length}\n`);
    expect(await printedJson(["tokenize", "--count", "--json", text])).toEqual({ count: length });
    expect(await printed(["tokenize", "--count", ""])).toBe("0\n");
  });

  it("come from an argument, a file or stdin", async () => {
    const file = path.join(folder, "text.txt");
    writeFileSync(file, text);
    const expected = await printed(["tokenize", "--model", embeddedModel, text]);
    expect(await printed(["tokenize", "--file", file])).toBe(expected);
    expect(await printed(["tokenize"], text)).toBe(expected);
    expect(await printed(["tokenize", "--file", "-"], text)).toBe(expected);
    expect(await printed(["tokenize", "--count", "--", "-1 to 3"])).toBe(`${engine.tokenize("-1 to 3").length}\n`);
  });

  it("have control tokens where they are asked for", async () => {
    const ids = async (...args: string[]) =>
      ((await printedJson(["tokenize", "--json", ...args, text])) as Tokens).tokens.map(({ id }) => id);
    expect(await ids("--parse-special")).toEqual(Array.from(engine.tokenize(text, { parseSpecial: true })));
    expect(await ids("--add-special")).toEqual(Array.from(engine.tokenize(text, { addSpecial: true })));
    expect(await ids("--parse-special")).not.toEqual(await ids());
    expect(await ids("--add-special")).not.toEqual(await ids());
    const { tokens } = (await printedJson(["tokenize", "--json", "--parse-special", text])) as Tokens;
    expect(tokens.map(({ piece }) => piece)).toContain("</s>");
  });
});

it("refuses what is no UTF-8, with none of it", async () => {
  const { status, stdout, stderr } = await run(["tokenize"], { input: Uint8Array.of(0x46, 0x65, 0xe9) });
  expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
  expect(stderr).toBe("medinfer: INVALID_ARGUMENT: stdin is not UTF-8: convert it, e.g. with iconv\n");
});
