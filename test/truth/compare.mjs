// What the engine gives for a case of the makers' (test/truth/makers), beside what it must give.
import { readFileSync } from "node:fs";
import path from "node:path";

import { Engine } from "medinfer";

import { readCase } from "./store.mjs";

/**
 * @typedef {{ file: string, shape: [number, number], rows?: number[] }} Stored `rows`: those that the file has; else all
 * @typedef {object} Case test/truth/makers/__main__.py writes it
 * @property {string} name
 * @property {string} kind
 * @property {string} maker
 * @property {string} about
 * @property {Record<string, string>} versions
 * @property {"f32" | "f16"} type
 * @property {(string | null)[]} prompt null stands for the picture
 * @property {{ text: string, logits: Stored } | null} answer
 * @property {Record<string, Stored>} [features] by picture
 * @property {string} [picture] that of the prompt
 * @property {Record<string, string>} [refuses]
 *
 * @typedef {object} Comparison
 * @property {Case} case
 * @property {Record<string, number>} features relative error by picture; Infinity where not even the sizes agree
 * @property {string[]} misfits what else differs, in words
 * @property {number | null} logits largest relative error of any position's
 */

/** Largest relative errors that are rounding, and no fault. In F16 logits are not judged: rounding chooses other experts. */
export const bounds = {
  f32: { features: 1e-3, visionLogits: 1e-3, textLogits: 1e-4 },
  f16: { features: 1e-2, visionLogits: Infinity, textLogits: Infinity },
};

/** What is wrong, in words; empty: nothing. @param {Comparison} comparison @returns {string[]} */
export function faults({ case: about, features, misfits, logits }) {
  const bound = bounds[about.type];
  const wrong = Object.entries(features)
    .filter(([, error]) => !(error <= bound.features))
    .map(([picture, error]) => `features of ${picture}: ${error.toExponential(1)}`);
  if (logits !== null && !(logits <= (about.features ? bound.visionLogits : bound.textLogits))) {
    wrong.push(`logits: ${logits.toExponential(1)}`);
  }
  return [...misfits, ...wrong];
}

/** @param {string} folder @param {Stored} stored */
function read(folder, { file, shape, rows }) {
  const bytes = readFileSync(path.join(folder, file));
  const values = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  return { values, count: shape[0], width: shape[1], rows: rows ?? Array.from({ length: shape[0] }, (_, i) => i) };
}

/** |a - b| / |b| over all values. @param {ArrayLike<number>} a @param {ArrayLike<number>} b */
export function relativeError(a, b) {
  if (a.length !== b.length) return Infinity;
  let difference = 0;
  let size = 0;
  for (let i = 0; i < b.length; ++i) {
    difference += (a[i] - b[i]) ** 2;
    size += b[i] ** 2;
  }
  const error = Math.sqrt(difference / size);
  return Number.isNaN(error) ? Infinity : error;
}

/** A row of logits without what all of them have in common, on which no distribution depends. @param {number[]} row */
function centred(row) {
  const mean = row.reduce((sum, value) => sum + value, 0) / row.length;
  return row.map((value) => value - mean);
}

/** GBNF that leaves one text. @param {string} text */
const only = (text) => `root ::= ${JSON.stringify(text)}`;

async function compareFeatures(engine, wanted, picture) {
  const given = await engine.embedImage(picture);
  const misfit =
    given.tokens === wanted.count && given.width === wanted.width
      ? undefined
      : `${given.tokens} x ${given.width} for ${wanted.count} x ${wanted.width}`;
  const { width } = wanted;
  const rows = wanted.rows.map((row) => given.values.subarray(row * width, (row + 1) * width));
  const values = new Float32Array(rows.length * width);
  for (const [i, row] of rows.entries()) values.set(row, i * width);
  return { misfit, error: misfit === undefined ? relativeError(values, wanted.values) : Infinity };
}

/** The text is forced by a grammar; logprobs are those of the model, before it. */
async function compareAnswer(engine, about, wanted, pictureFile) {
  const prompt = about.prompt.map((part) =>
    part === null ? { type: "image", image: pictureFile(about.picture) } : { type: "text", text: part },
  );
  const { logprobs } = await engine.complete({
    prompt,
    grammar: only(about.answer.text),
    sampling: { temperature: 0 },
    nProbs: wanted.width,
    nPredict: wanted.count,
  }).result;
  if (logprobs.length !== wanted.count) return Infinity;
  const errors = wanted.rows.map((position, i) => {
    const row = new Array(wanted.width).fill(NaN);
    for (const { id, logprob } of logprobs[position].before) row[id] = logprob;
    const truth = Array.from(wanted.values.subarray(i * wanted.width, (i + 1) * wanted.width));
    return relativeError(centred(row), centred(truth));
  });
  return errors.reduce((most, error) => Math.max(most, error), 0);
}

/**
 * @param {string} folder of one case
 * @param {string} pictures the folder of the pictures that all cases share
 * @param {{ load?: object, about?: Case }} [options] more options of Engine.load; what to compare, if not what the folder says
 * @returns {Promise<Comparison>}
 */
export async function compare(folder, pictures, { load = {}, about = readCase(folder) } = {}) {
  const pictureFile = (name) => path.join(name === "native" ? folder : pictures, `${name}.png`);
  const engine = await Engine.load({
    model: path.join(folder, "model.gguf"),
    mmproj: about.features ? path.join(folder, "mmproj.gguf") : null,
    device: "cpu",
    kv: { type: "f32" },
    nCtx: 8192,
    ...load,
  });
  try {
    const features = {};
    const misfits = [];
    for (const [name, stored] of Object.entries(about.features ?? {})) {
      const { misfit, error } = await compareFeatures(engine, read(folder, stored), pictureFile(name));
      features[name] = error;
      if (misfit !== undefined) misfits.push(`${name}: ${misfit}`);
    }
    const logits = about.answer
      ? await compareAnswer(engine, about, read(folder, about.answer.logits), pictureFile)
      : null;
    return { case: about, features, misfits, logits };
  } finally {
    await engine.close();
  }
}
