// A plot of a few lines over a logarithmic axis, as SVG.

const WIDTH = 640;
const HEIGHT = 360;
const [LEFT, RIGHT, TOP, BOTTOM] = [70, 150, 34, 40];
const COLORS = ["#1b6ca8", "#c8553d", "#6a994e", "#7b5ea7"];

/** @param {{ title: string, x: number[], lines: Record<string, number[]> }} plot the values of each line at every x */
export function lineChart({ title, x, lines }) {
  const most = Math.max(...Object.values(lines).flat());
  const [first, last] = [Math.log2(x[0]), Math.log2(x.at(-1))];
  const at = (value) => (LEFT + ((Math.log2(value) - first) / (last - first || 1)) * (WIDTH - LEFT - RIGHT)).toFixed(1);
  const up = (value) => (HEIGHT - BOTTOM - (value / most) * (HEIGHT - TOP - BOTTOM)).toFixed(1);
  const drawn = Object.entries(lines).flatMap(([name, values], i) => {
    const color = COLORS[i % COLORS.length];
    const points = values.map((value, k) => `${at(x[k])},${up(value)}`).join(" ");
    return [
      `<polyline fill="none" stroke="${color}" stroke-width="2" points="${points}"/>`,
      `<text x="${WIDTH - RIGHT + 10}" y="${TOP + 18 * (i + 1)}" fill="${color}">${name}</text>`,
    ];
  });
  const ticks = [
    ...x.map((value) => `<text x="${at(value)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${value}</text>`),
    ...[0, 0.25, 0.5, 0.75, 1].map((share) => {
      const label = `<text x="${LEFT - 8}" y="${Number(up(share * most)) + 4}" text-anchor="end">${Math.round(share * most)}</text>`;
      return `${label}<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${up(share * most)}" y2="${up(share * most)}" stroke="#ddd"/>`;
    }),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">
<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>
<text x="${LEFT}" y="20" font-size="14">${title}</text>
${[...ticks, ...drawn].join("\n")}
</svg>
`;
}
