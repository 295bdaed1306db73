// The reference of embeddings (test/support/tools/plain_embed.cc) as a child process.
import { spawnSync } from "node:child_process";

import { tool } from "./tools.mjs";

/**
 * The tokens and rows of texts, each computed alone, in one go.
 * @param {string} model
 * @param {{ text: string, query?: string }[]} texts
 * @param {{ pooling?: "mean" | "cls" | "last" | "rank" }} [options]
 * @returns {{ tokens: number, row: number[] }[]}
 */
export function plainEmbed(model, texts, options = {}) {
  const words = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const lines = texts.map(({ text, query }) => {
    const asked = query === undefined ? "" : `query=${encodeURIComponent(query)} `;
    return `${asked}text=${encodeURIComponent(text)}\n`;
  });
  const run = spawnSync(tool("plain_embed"), [model, ...words], {
    input: lines.join(""),
    encoding: "utf8",
    maxBuffer: 2 ** 28,
  });
  if (run.status !== 0) throw new Error(`plain_embed ended with ${run.status ?? run.signal}: ${run.stderr}`);
  return run.stdout
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => JSON.parse(line));
}
