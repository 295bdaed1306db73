/** A real sentence model against its makers' code. */
import { readFileSync } from "node:fs";
import { Engine } from "medinfer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fromRoot } from "../support/paths.mjs";
import { miniLm } from "./support/minilm.mjs";

interface Stored {
  items: { text: string; tokens: number; row: string }[];
}

/** Made by stored/make.py. */
const { items } = JSON.parse(readFileSync(fromRoot("test", "models", "stored", "all-minilm-l6-v2.json"), "utf8")) as Stored;
const rows = items.map(({ row }) => new Float32Array(Uint8Array.from(Buffer.from(row, "base64")).buffer));

const cosine = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.load({ model: await miniLm(), task: "embed", device: "cpu" });
}, 600_000);
afterAll(() => engine.close());

describe("all-MiniLM-L6-v2", () => {
  it("pools as its makers do", () => {
    expect(engine.info).toMatchObject({ pooling: "mean", nRow: 384, nCtxPerRequest: 512 });
  });

  it("has the makers' tokens", async () => {
    for (const { text, tokens } of items) {
      expect((await engine.embed(text)).usage.promptTokens, text.slice(0, 40)).toBe(tokens);
    }
  });

  it("gives the makers' embeddings, in one call and one by one", async () => {
    const together = (await engine.embed(items.map(({ text }) => text))).embeddings;
    for (const [i, { text }] of items.entries()) {
      const alone = (await engine.embed(text)).embeddings[0]!;
      for (const found of [together[i]!, alone]) {
        expect(cosine(found, rows[i]!), text.slice(0, 40)).toBeGreaterThan(0.9999);
        const worst = Math.max(...found.map((value, k) => Math.abs(value - rows[i]![k]!)));
        expect(worst, text.slice(0, 40)).toBeLessThan(1e-3);
      }
    }
  });

  it("tells what means the same from what does not", async () => {
    const { embeddings } = await engine.embed(["heart attack", "myocardial infarction", "a broken window"]);
    const [attack, infarction, window] = embeddings as [Float32Array, Float32Array, Float32Array];
    expect(cosine(attack, infarction)).toBeGreaterThan(cosine(attack, window) + 0.3);
  });
});
