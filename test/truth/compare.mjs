// What the engine gives for a case of the makers' (test/truth/makers), beside what it must give.
import { readFileSync } from "node:fs";
import path from "node:path";

import { Engine } from "medinfer";

/**
 * @typedef {{ file: string, shape: [number, number] }} Stored
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
 * @property {Record<string, number>} features largest relative error by picture; Infinity where not even the sizes agree
 * @property {string[]} misfits what else differs, in words
 * @property {number | null} logits largest relative error of any position's
 */

/** @param {string} folder @param {Stored} stored */
function read(folder, { file, shape }) {
  const bytes = readFileSync(path.join(folder, file));
  const values = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  return { values, rows: shape[0], width: shape[1] };
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

/** A row of logits up to what all of them have in common, which no distribution depends on. */
function centred(row) {
  const mean = row.reduce((sum, value) => sum + value, 0) / row.length;
  return row.map((value) => value - mean);
}

/** GBNF that leaves one text. @param {string} text */
const only = (text) => `root ::= ${JSON.stringify(text)}`;

async function compareAnswer(engine, about, folder, pictureFile) {
  const wanted = read(folder, about.answer.logits);
  const prompt = about.prompt.map((part) =>
    part === null ? { type: "image", image: pictureFile(about.picture) } : { type: "text", text: part },
  );
  const { logprobs } = await engine.complete({
    prompt,
    grammar: only(about.answer.text),
    sampling: { temperature: 0 },
    nProbs: wanted.width,
    nPredict: wanted.rows,
  }).result;
  if (logprobs.length !== wanted.rows) return Infinity;
  let largest = 0;
  for (const [i, { before }] of logprobs.entries()) {
    const row = new Array(wanted.width).fill(NaN);
    for (const { id, logprob } of before) row[id] = logprob;
    const truth = Array.from(wanted.values.subarray(i * wanted.width, (i + 1) * wanted.width));
    largest = Math.max(largest, relativeError(centred(row), centred(truth)));
  }
  return largest;
}

/**
 * @param {string} folder of one case
 * @param {string} pictures the folder of the pictures that all cases share
 * @param {{ load?: object }} [options] more options of Engine.load
 * @returns {Promise<Comparison>}
 */
export async function compare(folder, pictures, { load = {} } = {}) {
  /** @type {Case} */
  const about = JSON.parse(readFileSync(path.join(folder, "case.json"), "utf8"));
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
      const wanted = read(folder, stored);
      const given = await engine.embedImage(pictureFile(name));
      if (given.tokens !== wanted.rows || given.width !== wanted.width) {
        misfits.push(`${name}: ${given.tokens} x ${given.width} for ${wanted.rows} x ${wanted.width}`);
      }
      features[name] = relativeError(given.values, wanted.values);
    }
    const logits = about.answer ? await compareAnswer(engine, about, folder, pictureFile) : null;
    return { case: about, features, misfits, logits };
  } finally {
    await engine.close();
  }
}
