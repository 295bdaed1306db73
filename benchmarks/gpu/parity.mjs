// That the GPU computes what the CPU does: greedy answers token for token, embeddings of images, attention that gathers.
import { Engine } from "medinfer";

import { AT_ONCE, attentionModel, attentions } from "../../test/support/attentions.mjs";
import {
  compare,
  drawRequests,
  engineOutcomes,
  marginDistances,
  pictures,
  plainAnswers,
  TIE,
} from "../../test/support/parity.mjs";
import { tinyModel, tinyPairs } from "../../test/support/random-model.mjs";
import { place } from "../kv/systems.mjs";
import { rootMeanSquare, round } from "../lib/stats.mjs";

/**
 * A GPU sums up in another order and rounds elsewhere, so the plain loop's margins are apart on the two devices. Answers may
 * part where the two best logits are nearer than this many times their root mean square, as nothing is in some 30,000
 * tokens if they are spread like a normal distribution.
 */
const NOISES = 6;
/** Greatest difference of an image's embedding, relative to its greatest value. */
const EMBEDDING = 0.01;

/** @param {{ gpu: boolean, quick: boolean, log: (line: string) => void }} settings */
export async function parity({ gpu, quick, log }) {
  const options = { ...place(gpu), nCtx: 4096, nUbatch: 512 };
  const rows = [];
  /** @param {{ requests: object[], model: string, mmproj?: string, engines: [string, object][] }} check */
  const check = async ({ requests, model, mmproj, engines }) => {
    const plain = { kv: "f16", ...(mmproj && { mmproj }) };
    const [onCpu, onGpu] = await Promise.all([
      plainAnswers(requests, model, plain),
      gpu && plainAnswers(requests, model, { ...plain, device: "gpu" }),
    ]);
    const noise = onGpu ? onCpu.flatMap((answer, i) => marginDistances(answer, onGpu[i])) : [];
    const rms = rootMeanSquare(noise);
    const greatest = noise.reduce((most, distance) => Math.max(most, distance), 0);
    const tie = Math.max(TIE, NOISES * rms);
    for (const [what, also] of engines) {
      const { outcomes } = await engineOutcomes(requests, { ...options, model, mmproj: mmproj ?? null, ...also });
      const reports = [onCpu, onGpu].map((answers) => answers && compare(requests, answers, outcomes, tie));
      const [cpu, same] = reports.map((each) => (each ? `${each.ties}, ${each.mismatches.length}` : "–"));
      const mismatches = reports.flatMap((each) => (each ? each.mismatches : []));
      rows.push({ what, tokens: reports[0].tokens, cpu, gpu: same, rms: round(rms), greatest, mismatches });
      log(`parity: ${what}: ${reports[0].tokens} tokens; ties, mismatches ${cpu}; beside a loop on the GPU ${same}`);
      for (const { margin } of mismatches)
        log(`parity: ${what}: a mismatch where the best two logits are ${round(margin)} apart, ${round(tie)} allowed`);
    }
  };

  const text = drawRequests({ count: quick ? 6 : 48, seed: 1 });
  for (const type of ["f32", "f16"]) {
    const engines = (quick ? [4] : [1, 16]).map((batchSize) => [`${type}, ${batchSize} at once`, { batchSize }]);
    await check({ requests: text, model: tinyModel({ type }), engines });
  }
  const images = pictures();
  const mixed = drawRequests({ count: quick ? 4 : 24, seed: 2, images });
  for (const [family, pair] of Object.entries(tinyPairs)) {
    await check({ requests: mixed, ...pair(), engines: [[family, { batchSize: 8 }]] });
  }
  // Paged beside contiguous, and gathering beside a mask: the plain loop has a contiguous cache.
  for (const attention of quick ? attentions.slice(0, 2) : attentions) {
    const engines = [false, true].map((gather) => [
      `heads of ${attention.width}, ${attention.queries} queries each, ${gather ? "gathered" : "masked"}`,
      { batchSize: AT_ONCE, kv: { gather } },
    ]);
    await check({ requests: text, model: attentionModel(attention, "f16"), engines });
  }
  const embeddings = await compareEmbeddings({ gpu, images });
  log(`parity: embeddings of images differ by ${embeddings} of their greatest value`);
  const mismatches = rows.reduce((sum, row) => sum + row.mismatches.length, 0);
  return {
    figures: { cases: rows, embeddings },
    head: [
      "greedy answers",
      "tokens",
      "ties, mismatches with a plain loop on the CPU",
      "with one on the GPU",
      "the two loops' margins differ by, rms",
      "at most",
    ],
    rows: [
      ...rows.map((row) => [row.what, row.tokens, row.cpu, row.gpu, row.rms, round(row.greatest)]),
      ["embeddings of images, relative difference", "–", `${embeddings}`, "–", "–", "–"],
    ],
    targets: [
      { what: "mismatches of greedy tokens", value: mismatches, atMost: 0 },
      { what: "relative difference of embeddings", value: embeddings, atMost: EMBEDDING },
    ],
  };
}

async function compareEmbeddings({ gpu, images }) {
  let worst = 0;
  for (const pair of Object.values(tinyPairs)) {
    const { model, mmproj } = pair();
    const [here, there] = await Promise.all([
      Engine.load({ model, mmproj, device: "cpu", nCtx: 1024 }),
      Engine.load({ model, mmproj, ...place(gpu), nCtx: 1024 }),
    ]);
    for (const image of images) {
      const [expected, found] = await Promise.all([here.embedImage(image), there.embedImage(image)]);
      const greatest = expected.values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      const difference = expected.values.reduce(
        (most, value, i) => Math.max(most, Math.abs(value - found.values[i])),
        0,
      );
      worst = Math.max(worst, difference / greatest);
    }
    await Promise.all([here.close(), there.close()]);
  }
  return round(worst);
}
