// A reliability diagram as SVG: the share of right values over their confidence, and how many values each bin has.

const SIDE = 300;
const [LEFT, TOP, BELOW] = [60, 52, 46];
const COUNTS = 70;
const WIDTH = LEFT + SIDE + 40;
const HEIGHT = TOP + SIDE + 26 + COUNTS + BELOW;
/** Of the normal distribution: 95 % lie within. */
const Z = 1.96;

/** The interval of Wilson for a share of `count` values. */
function interval(share, count) {
  const center = (share + Z ** 2 / (2 * count)) / (1 + Z ** 2 / count);
  const half = (Z / (1 + Z ** 2 / count)) * Math.sqrt((share * (1 - share)) / count + Z ** 2 / (4 * count ** 2));
  return [center - half, center + half];
}

/**
 * @param {{ title: string, subtitle: string, bins: { from: number, to: number, count: number, confidence: number, right: number }[] }} plot as
 *   `measureReliability` of @medinfer/extract has the bins
 */
export function reliabilityChart({ title, subtitle, bins }) {
  const x = (value) => (LEFT + value * SIDE).toFixed(1);
  const y = (share) => (TOP + (1 - share) * SIDE).toFixed(1);
  const most = Math.log10(1 + Math.max(...bins.map(({ count }) => count)));
  const floor = TOP + SIDE + 26 + COUNTS;
  const grid = [0, 0.2, 0.4, 0.6, 0.8, 1].flatMap((value) => [
    `<line x1="${x(0)}" x2="${x(1)}" y1="${y(value)}" y2="${y(value)}" stroke="#e3e3e3"/>`,
    `<text x="${LEFT - 8}" y="${Number(y(value)) + 4}" text-anchor="end">${value}</text>`,
    `<text x="${x(value)}" y="${floor + 16}" text-anchor="middle">${value}</text>`,
  ]);
  const filled = bins.filter(({ count }) => count > 0);
  const points = filled.flatMap(({ confidence, right, count }) => {
    const [low, high] = interval(right, count);
    return [
      `<line x1="${x(confidence)}" x2="${x(confidence)}" y1="${y(low)}" y2="${y(high)}" stroke="#1b6ca8" stroke-width="1.5"/>`,
      `<circle cx="${x(confidence)}" cy="${y(right)}" r="4" fill="#1b6ca8"/>`,
    ];
  });
  const counts = filled.flatMap(({ from, to, count }) => {
    const height = (Math.log10(1 + count) / most) * (COUNTS - 14);
    const middle = x((from + to) / 2);
    return [
      `<rect x="${x(from)}" y="${(floor - height).toFixed(1)}" width="${((to - from) * SIDE - 2).toFixed(1)}" height="${height.toFixed(1)}" fill="#b9cfe0"/>`,
      `<text x="${middle}" y="${(floor - height - 3).toFixed(1)}" text-anchor="middle" font-size="10">${count}</text>`,
    ];
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">
<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>
<text x="12" y="18" font-size="13">${title}</text>
<text x="12" y="33" font-size="11" fill="#555">${subtitle}</text>
${grid.join("\n")}
<line x1="${x(0)}" y1="${y(0)}" x2="${x(1)}" y2="${y(1)}" stroke="#c8553d" stroke-dasharray="4 3"/>
${[...points, ...counts].join("\n")}
<text x="16" y="${TOP + SIDE / 2}" text-anchor="middle" transform="rotate(-90 16 ${TOP + SIDE / 2})">right (95 % interval)</text>
<text x="16" y="${floor - COUNTS / 2}" text-anchor="middle" transform="rotate(-90 16 ${floor - COUNTS / 2})">values (log)</text>
<text x="${LEFT + SIDE / 2}" y="${floor + 36}" text-anchor="middle">confidence</text>
</svg>
`;
}
