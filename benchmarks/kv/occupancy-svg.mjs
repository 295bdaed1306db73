// A plot of what the pages of the pool are over time.
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";

const WIDTH = 760;
const HEIGHT = 320;
const LEFT = 60;
const RIGHT = 130;
const TOP = 34;
const BOTTOM = 46;
/** From the bottom up. A page that is in use and cached as well, or used by several requests, is shared. */
const LAYERS = [
  { name: "shared", color: "#1b6ca8", of: ({ pagesShared, pagesUsed }) => Math.min(pagesShared, pagesUsed) },
  { name: "used by one", color: "#6fb1dd", of: ({ pagesShared, pagesUsed }) => Math.max(0, pagesUsed - pagesShared) },
  { name: "cached", color: "#f2c879", of: ({ pagesCached }) => pagesCached },
  { name: "free", color: "#eeeeee", of: ({ pagesFree }) => pagesFree },
];

/** @param {string} file @param {{ ms: number, queued: number, kv: import("medinfer").KvStats }[]} samples */
export function writeOccupancy(file, samples) {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, occupancySvg(samples));
}

function occupancySvg(samples) {
  // More points than pixels say nothing.
  const step = Math.max(1, Math.ceil(samples.length / (WIDTH / 2)));
  const points = samples.filter((_, i) => i % step === 0 || i === samples.length - 1);
  const pages = points[0].kv.pages;
  const end = points.at(-1).ms / 1000;
  const x = (seconds) => (LEFT + (seconds / end) * (WIDTH - LEFT - RIGHT)).toFixed(1);
  const y = (count) => (HEIGHT - BOTTOM - (count / pages) * (HEIGHT - TOP - BOTTOM)).toFixed(1);
  const line = (heights) => points.map((each, i) => `${x(each.ms / 1000)},${y(heights[i])}`);

  let below = points.map(() => 0);
  const areas = [];
  const legend = [];
  LAYERS.forEach(({ name, color, of }, i) => {
    const above = points.map((each, at) => below[at] + of(each.kv));
    areas.push(`<polygon fill="${color}" points="${[...line(above), ...line(below).reverse()].join(" ")}"/>`);
    const top = HEIGHT - BOTTOM - 20 * (i + 1);
    legend.push(`<rect x="${WIDTH - RIGHT + 14}" y="${top}" width="12" height="12" fill="${color}" stroke="#999"/>`);
    legend.push(`<text x="${WIDTH - RIGHT + 32}" y="${top + 10}">${name}</text>`);
    below = above;
  });
  const ticks = [0, 0.25, 0.5, 0.75, 1].flatMap((share) => {
    const [seconds, count] = [share * end, Math.round(share * pages)];
    return [
      `<text x="${LEFT - 8}" y="${Number(y(count)) + 4}" text-anchor="end">${count}</text>`,
      `<line x1="${LEFT - 4}" x2="${LEFT}" y1="${y(count)}" y2="${y(count)}" stroke="#333"/>`,
      `<text x="${x(seconds)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${seconds.toFixed(end < 10 ? 1 : 0)}</text>`,
      `<line x1="${x(seconds)}" x2="${x(seconds)}" y1="${HEIGHT - BOTTOM}" y2="${HEIGHT - BOTTOM + 4}" stroke="#333"/>`,
    ];
  });
  const [midX, midY] = [(LEFT + WIDTH - RIGHT) / 2, (TOP + HEIGHT - BOTTOM) / 2];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">
<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>
<text x="${LEFT}" y="20" font-size="14">Pages of the KV pool, with twice as many requests as fit</text>
${areas.join("\n")}
<path d="M${LEFT} ${TOP}V${HEIGHT - BOTTOM}H${WIDTH - RIGHT}" fill="none" stroke="#333"/>
${ticks.join("\n")}
${legend.join("\n")}
<text x="${midX}" y="${HEIGHT - 8}" text-anchor="middle">seconds</text>
<text transform="translate(16 ${midY}) rotate(-90)" text-anchor="middle">pages of ${points[0].kv.pageSize} tokens</text>
</svg>
`;
}
