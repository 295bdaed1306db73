// The same requests with drafts and without: greedy and seeded, with grammars, schemas, stops, penalties and several
// answers, in a pool that is too small, with images and without. Texts and how they ended have to be equal; where two tokens
// come in all but together, either may be drawn. Weights are F32: with activations of 8 bits a pass of another size differs
// more from its own than any tie.
import { Engine } from "medinfer";

import { pictures } from "../test/support/parity.mjs";
import { tinyModel, tinyPairs } from "../test/support/random-model.mjs";
import { SeededRandom } from "../test/support/seeded-random.mjs";

export const about =
  "requests of all kinds with drafts ahead of the model, against the same requests without, text for text";
export const options = {
  count: { type: "string", default: "2000" },
  seed: { type: "string", default: "1" },
};

/** Below it two candidates are a tie: logarithms of probabilities. */
const TIE = 1e-3;
const GRAMMARS = [
  'root ::= "{\\"dose\\": " [0-9]{1,3} ", \\"unit\\": " ("\\"mg\\"" | "\\"ml\\"") ", \\"note\\": \\"" [a-z ]{0,20} "\\"}"',
  'root ::= ("yes, " | "no, ") [a-z ]{3,30} "."',
];
const SCHEMA = {
  type: "object",
  properties: {
    finding: { type: "string", maxLength: 16 },
    severity: { enum: ["mild", "moderate", "severe"] },
    days: { type: "integer", minimum: 0, maximum: 90 },
  },
  required: ["finding", "severity", "days"],
};

/** @param {{ count: string, seed: string }} options @param {(line: string) => void} log */
export async function run({ count, seed }, log) {
  const random = new SeededRandom(Number(seed));
  const images = pictures();
  const total = {
    requests: 0,
    answers: 0,
    tokens: 0,
    drafted: 0,
    accepted: 0,
    preemptions: 0,
    ties: 0,
    differences: [],
  };
  const engines = [
    {
      what: "F32, a pool for all",
      load: { model: tinyModel(), mmproj: null, batchSize: 8, nCtx: 8192, kv: { type: "f32" } },
    },
    {
      what: "F32, a small pool",
      load: { model: tinyModel(), mmproj: null, batchSize: 8, nCtx: 768, nCtxPerRequest: 512 },
    },
    { what: "one at a time", load: { model: tinyModel(), mmproj: null, batchSize: 1, nCtx: 2048 } },
    ...Object.entries(tinyPairs).map(([family, pair]) => ({
      what: `${family}, with images`,
      load: { ...pair(), batchSize: 4, nCtx: 6144, kv: { type: "f32" } },
      images,
    })),
  ];
  for (const { what, load, images: seen = [] } of engines) {
    const requests = Array.from({ length: Math.ceil(Number(count) / engines.length) }, (_, i) => draw(random, i, seen));
    const plain = await answers(load, requests, 0);
    const drafted = await answers(load, requests, 16);
    for (const [i, request] of requests.entries()) {
      compare(request, plain.results[i], drafted.results[i], total, `${what}, request ${i}`);
    }
    total.requests += requests.length;
    for (const key of ["drafted", "accepted", "preemptions"]) total[key] += drafted[key];
    log(`${what}: ${drafted.accepted} of ${drafted.drafted} accepted, ${total.differences.length} differences so far`);
  }
  return { ...total, equal: total.differences.length === 0 };
}

function draw(random, i, images) {
  const word = () =>
    random.pick(["the", "patient", "has", "mild", "pain", "fever", "dose", "of", "two", "tablets", "and"]);
  const prompt = Array.from({ length: random.int(3, 60) }, word).join(" ");
  const request = {
    prompt,
    nPredict: random.int(0, 70),
    nProbs: 2,
    ignoreEos: random.next() < 0.3,
    sampling: random.next() < 0.5 ? { temperature: 0 } : { temperature: random.pick([0.3, 0.8, 1.2]), seed: i + 1 },
  };
  if (random.next() < 0.2) request.sampling.repeatPenalty = 1.2;
  if (random.next() < 0.2) request.sampling.topK = 20;
  if (random.next() < 0.25) request.stopStrings = [random.pick(["e", "ai", "12", "mg"])];
  if (random.next() < 0.1) request.minTokens = Math.min(5, request.nPredict);
  if (random.next() < 0.2) request.n = random.int(2, 4);
  if (random.next() < 0.2) request.expectedText = prompt;
  const form = random.int(0, 5);
  if (form < GRAMMARS.length) request.grammar = GRAMMARS[form];
  if (form === GRAMMARS.length) request.jsonSchema = SCHEMA;
  if (form <= GRAMMARS.length) {
    request.nPredict = 120;
    request.closeAtLimit = random.next() < 0.5;
  }
  if (images.length > 0 && random.next() < 0.4) {
    request.prompt = [
      { type: "image", image: random.pick(images) },
      { type: "text", text: prompt },
    ];
  }
  return request;
}

async function answers(load, requests, maxDraftTokens) {
  const engine = await Engine.load({ device: "cpu", nThreads: 2, ...load });
  try {
    const results = await Promise.all(
      requests.map((request) => engine.complete({ ...request, maxDraftTokens }).result),
    );
    const { draftTokens: drafted, acceptedTokens: accepted, preemptions } = engine.stats();
    return { results, drafted, accepted, preemptions };
  } finally {
    await engine.close();
  }
}

function compare(request, plain, drafted, total, where) {
  const [one, other] = [plain, drafted].map((result) => result.choices ?? [result]);
  one.forEach((answer, i) => {
    total.answers += 1;
    total.tokens += answer.usage.completionTokens;
    const same = answer.text === other[i].text && answer.finishReason === other[i].finishReason;
    if (same) return;
    const at = answer.logprobs.findIndex(({ id }, token) => id !== other[i].logprobs[token]?.id);
    const margin = at < 0 ? Infinity : marginAt(answer.logprobs[at], other[i].logprobs[at]);
    if (margin < TIE) total.ties += 1;
    else total.differences.push({ where, choice: i, at, margin, request });
  });
}

/** How far apart the two tokens were, as the model gave them. */
function marginAt(one, other) {
  const of = (entry, id) => entry.before.find((each) => each.id === id)?.logprob;
  const mine = of(one, one.id) ?? one.logprobBefore;
  const its = of(one, other?.id) ?? other?.logprobBefore;
  return its === undefined ? Infinity : Math.abs(mine - its);
}
