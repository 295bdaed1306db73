import { writeFileSync } from "node:fs";
import path from "node:path";

import { Engine } from "medinfer";
import { describe, expect, it } from "vitest";

import { embeddedModel, printed, run, temporaryFolder } from "./support.js";
import { hasPath, running } from "./server.js";

const folder = temporaryFolder();
const texts = ["chest pain", "pain in the chest", "a broken leg"];
const pooling = ["--pooling", "mean"];
const embedder = "tiny-embedder";
const { url } = running([{ name: embedder, model: embeddedModel, task: "embed", pooling: "mean", nThreads: 1 }]);

interface Line {
  index: number;
  embedding: number[];
  tokens?: number;
  cutTokens?: number;
}
const linesOf = (output: string) =>
  output
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);

describe("embeddings", () => {
  it("are the library's, one line a text, of arguments, a file or stdin", async () => {
    const engine = await Engine.load({ task: "embed", pooling: "mean", nThreads: 1 });
    const { embeddings } = await engine.embed(texts);
    await engine.close();
    const file = path.join(folder, "texts.txt");
    writeFileSync(file, `${texts.join("\r\n")}\r\n`);
    const outputs = [
      await printed(["embed", ...pooling, ...texts]),
      await printed(["embed", ...pooling, "--file", file]),
      await printed(["embed", ...pooling], `${texts.join("\n")}\n`),
    ];
    // Which texts share a pass depends on how fast they come, and the last bits on that.
    for (const lines of outputs.map(linesOf)) {
      expect(lines.map(({ index }) => index)).toEqual([0, 1, 2]);
      lines.forEach(({ embedding }, i) => {
        expect(embedding).toHaveLength(embeddings[i]!.length);
        embedding.forEach((value, k) => expect(value).toBeCloseTo(embeddings[i]![k]!, 4));
      });
    }
  });

  it("may be shorter, of any length, and of texts that are cut", async () => {
    const [line] = linesOf(await printed(["embed", ...pooling, "--dimensions", "4", "--no-normalize", texts[0]!]));
    expect(line!.embedding).toHaveLength(4);
    expect(Math.hypot(...line!.embedding)).not.toBeCloseTo(1, 3);
    const long = ["--n-ctx", "64", "pain ".repeat(200)];
    const refused = await run(["embed", ...pooling, ...long]);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toMatch(/^medinfer: CONTEXT_FULL: /);
    const [cut] = linesOf(await printed(["embed", ...pooling, "--truncate", ...long]));
    expect(cut!.cutTokens).toBeGreaterThan(0);
  });

  it.each([
    ["an empty line", ["--file", "-"], "a\n\nb\n", 1, "stdin: line 2 has no text"],
    ["a file that is not there", ["--file", "missing.txt"], "", 1, "missing.txt cannot be read (ENOENT)"],
    ["texts twice", ["--file", "x", "a"], "", 2, "leave one of them out"],
    [
      "a switch of no server's",
      ["--url", "http://127.0.0.1:1", "--no-normalize", "a"],
      "",
      2,
      "leave them out beside --url",
    ],
  ])("are refused with %s", async (_name, args, input, expected, message) => {
    const { status, stderr } = await run(["embed", ...(expected === 1 ? pooling : []), ...args], { input });
    expect(status).toBe(expected);
    expect(stderr).toContain(message);
  });

  it("end quietly where their reader goes away", async () => {
    const input = "What is gout?\n".repeat(2000);
    const { status, stderr } = await run(["embed", ...pooling], { input, closeAfter: 1 });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  });

  it("of a server are the same", async (context) => {
    if (!(await hasPath(url(), "/v1/embeddings"))) return context.skip("the server has no embeddings yet");
    const many = Array.from({ length: 150 }, (_, i) => `${texts[i % 3]} ${i}`).join("\n");
    const here = linesOf(await printed(["embed", ...pooling], many));
    const there = linesOf(await printed(["embed", "--url", url()], many));
    expect(there.map(({ index }) => index)).toEqual(here.map(({ index }) => index));
    there.forEach(({ embedding }, i) =>
      embedding.forEach((value, k) => expect(value).toBeCloseTo(here[i]!.embedding[k]!, 3)),
    );
  });
});
