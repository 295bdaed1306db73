// That the GPU computes what the CPU does: greedy answers token for token, embeddings of images, attention that gathers.
import { Engine } from "medinfer";

import { AT_ONCE, attentionModel, attentions } from "../../test/support/attentions.mjs";
import { compare, drawRequests, engineOutcomes, pictures, plainAnswers } from "../../test/support/parity.mjs";
import { tinyModel, tinyPairs } from "../../test/support/random-model.mjs";
import { place } from "../kv/systems.mjs";
import { round } from "../lib/stats.mjs";

/** Sums in another order, and products of F16: where answers part, the two best logits were this near. */
const TIE = 0.02;
/** Greatest difference of an image's embedding, relative to its greatest value. */
const EMBEDDING = 0.01;

/** @param {{ gpu: boolean, quick: boolean, log: (line: string) => void }} settings */
export async function parity({ gpu, quick, log }) {
  const rows = [];
  const told = (what, { tokens, ties, mismatches }) => {
    rows.push([what, tokens, ties, mismatches.length]);
    log(`parity: ${what}: ${tokens} tokens, ${ties} ties, ${mismatches.length} mismatches`);
    for (const { margin } of mismatches)
      log(`parity: ${what}: a mismatch where the best two logits are ${round(margin)} apart`);
  };
  const options = { ...place(gpu), nCtx: 4096, nUbatch: 512 };
  const count = quick ? 6 : 48;

  const text = drawRequests({ count, seed: 1 });
  for (const type of ["f32", "f16"]) {
    const model = tinyModel({ type });
    const answers = await plainAnswers(text, model, { kv: "f16" });
    for (const batchSize of quick ? [4] : [1, 16]) {
      const { outcomes } = await engineOutcomes(text, { ...options, model, mmproj: null, batchSize });
      told(`${type}, ${batchSize} at once`, compare(text, answers, outcomes, TIE));
    }
  }
  const images = pictures();
  const mixed = drawRequests({ count: quick ? 4 : 24, seed: 2, images });
  for (const [family, pair] of Object.entries(tinyPairs)) {
    const { model, mmproj } = pair();
    const answers = await plainAnswers(mixed, model, { kv: "f16", mmproj });
    const { outcomes } = await engineOutcomes(mixed, { ...options, model, mmproj, batchSize: 8 });
    told(family, compare(mixed, answers, outcomes, TIE));
  }
  // Paged beside contiguous, and gathering beside a mask: the plain loop has a contiguous cache.
  for (const attention of quick ? attentions.slice(0, 2) : attentions) {
    const { width, queries } = attention;
    const model = attentionModel(attention, "f16");
    const answers = await plainAnswers(text, model, { kv: "f16" });
    for (const gather of [false, true]) {
      const { outcomes } = await engineOutcomes(text, {
        ...options,
        model,
        mmproj: null,
        batchSize: AT_ONCE,
        kv: { gather },
      });
      told(
        `heads of ${width}, ${queries} queries each, ${gather ? "gathered" : "masked"}`,
        compare(text, answers, outcomes, TIE),
      );
    }
  }
  const embeddings = await compareEmbeddings({ gpu, images });
  log(`parity: embeddings of images differ by ${embeddings} of their greatest value`);
  const mismatches = rows.reduce((sum, row) => sum + row[3], 0);
  return {
    figures: { cases: rows, embeddings },
    head: ["against the CPU", "tokens", "ties", "mismatches"],
    rows: [...rows, ["embeddings of images, relative difference", "–", "–", embeddings]],
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
