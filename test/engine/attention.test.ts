// Attention through pages, gathering each request's own and over all behind a mask, against a plain loop whose cache is
// contiguous: on the GPU where there is one, for every shape that it has kernels for.
import { devices } from "medinfer";
import { describe, expect, test } from "vitest";

import { AT_ONCE, attentionModel, attentions } from "../support/attentions.mjs";
import { compare, drawRequests, engineOutcomes, plainAnswers } from "../support/parity.mjs";

const hasCuda = devices().some((device) => device.backend === "cuda");
/**
 * A GPU sums in another order, and rounds activations to F16 on their way into a product: the margins of plain loops on an
 * H200 and on a CPU are up to 0.011 apart (root mean square, see bench -- gpu), and this is six times that.
 */
const TIE_ON_GPU = 0.065;
/** On the CPU the shapes share one kernel: each width and each number of queries once is enough. */
const onCpu = attentions.filter(({ width, queries }) => `${width}/${queries}` in { "64/8": 1, "128/4": 1, "256/1": 1 });

const requests = drawRequests({ count: 24, seed: 11 });

async function mismatches(
  attention: { width: number; queries: number },
  type: "f32" | "f16",
  device: "cpu" | "cuda",
  gather: boolean,
) {
  const model = attentionModel(attention, type);
  const answers = await plainAnswers(requests, model, { kv: "f16" });
  const options = { model, mmproj: null, device, nThreads: 1, nCtx: 4096, batchSize: AT_ONCE, kv: { gather } };
  const { outcomes, stats } = await engineOutcomes(requests, options);
  expect(stats.kv.paged).toBe(true);
  const tie = device === "cuda" ? TIE_ON_GPU : undefined;
  return compare(requests, answers, outcomes, tie).mismatches;
}

describe.each([false, true])("gathering: %s", (gather) => {
  test.each(onCpu)("on the CPU, heads of $width, $queries queries each", async (attention) => {
    expect(await mismatches(attention, "f32", "cpu", gather)).toEqual([]);
  });

  for (const attention of attentions) {
    const { width, queries } = attention;
    test(`on CUDA, heads of ${width}, ${queries} queries each`, async ({ skip }) => {
      skip(!hasCuda, "not applicable: devices() lists no CUDA device here");
      expect(await mismatches(attention, "f16", "cuda", gather)).toEqual([]);
    });
  }
});
