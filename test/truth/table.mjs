// docs/truth.md, from what a run compared.
import { readFileSync } from "node:fs";

import { bounds, faults } from "./compare.mjs";
import { visionKinds } from "./kinds.mjs";

/** @typedef {import("./compare.mjs").Comparison} Comparison */

const json = (name) => JSON.parse(readFileSync(new URL(name, import.meta.url), "utf8"));
const largest = (errors) => errors.reduce((most, error) => Math.max(most, error), 0);
const written = (error) => {
  if (error === null || error === undefined) return "–";
  return Number.isFinite(error) ? error.toExponential(1) : "other size";
};
const row = (cells) => `| ${cells.join(" | ")} |`;
const table = (head, rows) => [row(head), row(head.map(() => "---")), ...rows.map(row)].join("\n");
const featuresOf = (comparison) => (comparison ? largest(Object.values(comparison.features)) : null);
const verdict = (comparisons) =>
  comparisons.every((each) => each && faults(each).length === 0) ? "right" : "**wrong**";

/**
 * What the commit before the first of these patches gave, measured once: { "vision/mlp": { features, logits } }; null: another
 * number of tokens. `failed`: why there is no figure.
 */
const before = json("before.json");
/** Why a kind is not compared. @type {Record<string, string>} */
const uncovered = json("uncovered.json");

function earlier(name, what) {
  if (before[name]?.failed) return before[name].failed;
  const value = before[name]?.[what];
  if (value === undefined) return "–";
  return value === null ? "other size" : written(value);
}

/** @param {{ f32: Map<string, Comparison>, f16: Map<string, Comparison> }} results @param {{ minutes: number, megabytes: number }} cost */
export function writeTable({ f32, f16 }, cost) {
  const vision = [...f32].filter(([, each]) => each.case.features);
  const text = [...f32].filter(([, each]) => !each.case.features);
  const kinds = visionKinds();
  const covered = new Set(vision.map(([, each]) => each.case.kind));
  const missing = kinds.filter((kind) => !covered.has(kind));
  for (const kind of missing)
    if (!uncovered[kind]) throw new Error(`${kind} is neither compared nor in uncovered.json`);
  const versions = [...f32.values()][0]?.case.versions ?? {};
  const visionRows = vision.map(([name, each]) => [
    each.case.name === each.case.kind ? `\`${each.case.kind}\`` : `\`${each.case.kind}\`: ${each.case.name}`,
    each.case.maker,
    `${Object.keys(each.features).length}`,
    written(featuresOf(each)),
    written(featuresOf(f16.get(name))),
    written(each.logits),
    earlier(name, "features"),
    earlier(name, "logits"),
    verdict([each, f16.get(name)]),
  ]);
  const textRows = text.map(([name, each]) => [
    each.case.name === each.case.kind ? `\`${each.case.kind}\`` : `\`${each.case.kind}\`: ${each.case.name}`,
    each.case.maker,
    written(each.logits),
    earlier(name, "logits"),
    verdict([each]),
  ]);
  const notes = [...f32].map(([name, each]) => `- **${name}**: ${each.case.about.replaceAll(/\s+/g, " ")}`);
  return `# Right against the makers

<!-- Written by npm run truth; do not edit. -->

Tiny models with random weights, in the code of the models' own makers (${Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(
      ", ",
    )}), are converted by llama.cpp's own converter and run through \`engine.embedImage\` and \`engine.complete\`. Figures are
relative errors, |a − b| / |b|: of an image's features the largest over the pictures (portrait, landscape, tiny, huge, odd,
narrow, grey, transparent, and one of a size that the preprocessor leaves as it is), preprocessing included; of logits the
largest over all positions of an answer, each row without its mean, with the makers' own tokens around an image. Bounds:
features ${bounds.f32.features} in F32 and ${bounds.f16.features} in F16, logits ${bounds.f32.visionLogits} with an image and ${bounds.f32.textLogits} without. "Before" is the commit
before the first patch for any of this (an F32 cache attended in F16 then, some 1e-3 of the logits); "other size" means another
number of tokens. \`npm run truth\` makes this page: ${cost.minutes.toFixed(0)} minutes on a
two-core host after the makers' code is installed (some three more, once), ${cost.megabytes} MB in all. CI compares a part of every case with stored references.

## Images: ${kinds.length - missing.length} of ${kinds.length} kinds of projectors

${table(["kind", "makers' code", "pictures", "features, F32", "F16", "logits", "before: features", "logits", "verdict"], visionRows)}

${missing.length === 0 ? "All kinds are compared." : `Not compared:\n\n${missing.map((kind) => `- \`${kind}\`: ${uncovered[kind]}`).join("\n")}`}

## Text: ${textRows.length} models

${table(["architecture", "makers' code", "logits, F32", "before", "verdict"], textRows)}

## What is special about each

${notes.join("\n")}
`;
}
