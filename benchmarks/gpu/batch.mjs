// Many requests at once, beside llama-server: decoding of mixed lengths, and a prefix that all share.
import { mixedDecode } from "../kv/decode.mjs";
import { sharedPrefix } from "../kv/prefix.mjs";
import { round } from "../lib/stats.mjs";
import { modelOf } from "./models.mjs";

const LEAST = 1.2;

/** @param {{ gpu: boolean, quick: boolean, runs: number, limits: object, log: (line: string) => void }} settings */
export async function decode({ gpu, quick, runs, limits, log }) {
  const model = modelOf("8B", "q4_k_m", quick);
  const { figures } = await mixedDecode({ model, quick, runs, gpu, serversAlone: true, log });
  const { weights, bytesPerCell, promptTokens, byCount } = figures;
  const rows = Object.entries(byCount).map(([count, { medinfer, split, unified }]) => {
    const best = Math.max(split.median, unified.median);
    const cells = promptTokens.slice(0, Number(count)).reduce((sum, n) => sum + n, 0);
    // A step reads all weights once, and the keys and values of every sequence.
    const bytes = weights + cells * bytesPerCell;
    const ofLimit = round(((medinfer.median / count) * bytes) / limits.bytesPerSecond);
    return [count, medinfer.median, split.median, unified.median, round(medinfer.median / best), ofLimit];
  });
  const at = rows.find(([count]) => count === "32") ?? rows.at(-1);
  return {
    figures,
    head: ["sequences", "medinfer tok/s", "llama-server", "llama-server -kvu", "over the better", "of the limit"],
    rows,
    plot: {
      title: "Tokens a second of sequences of mixed lengths",
      x: rows.map(([count]) => Number(count)),
      lines: {
        medinfer: rows.map((row) => row[1]),
        "llama-server": rows.map((row) => row[2]),
        "llama-server -kvu": rows.map((row) => row[3]),
      },
    },
    targets: [{ what: `B=${at[0]}: speed over llama-server's better mode`, value: at[4], atLeast: LEAST }],
  };
}

/** @param {{ gpu: boolean, quick: boolean, limits: object, log: (line: string) => void }} settings */
export async function prefix({ gpu, quick, limits, log }) {
  const model = modelOf("8B", "q4_k_m", quick);
  const { figures, rows, targets } = await sharedPrefix({ model, quick, gpu, log });
  // Two operations for each weight and token that was read, until the last user saw a token.
  const ofLimit = ({ prefillTokens, firstTokenP99Ms }) =>
    round((2 * figures.parameters * prefillTokens) / ((firstTokenP99Ms / 1000) * limits.flopPerSecond));
  return {
    figures,
    head: ["32 users with a prefix of 2,000 tokens", "medinfer", "llama-server", "llama-server -kvu"],
    rows: [
      ...rows.map((row) => [row.what, row.medinfer, row.split, row.unified]),
      [
        "reading all of it, of the arithmetic limit",
        ...[figures.medinfer, figures.split, figures.unified].map(ofLimit),
      ],
    ],
    targets,
  };
}
