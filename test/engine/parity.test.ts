// The core's first promise: however requests are batched, each is answered as a plain one-sequence loop would.
import { describe, expect, test } from "vitest";

import {
  compare,
  drawRequests,
  engineOutcomes,
  pictures,
  plainAnswers,
  type ParityReport,
} from "../support/parity.mjs";
import { tinyModel, tinyPairs } from "../support/random-model.mjs";

// One thread: beside a busy neighbour two would wait for each other at every step. The last test takes two.
const ENGINE = { nCtx: 4096, nThreads: 1 };

function check(name: string, report: ParityReport): void {
  const { requests, cancelled, ties, tokens, mismatches } = report;
  console.log(
    `parity, ${name}: ${requests} requests, ${tokens} tokens, ${cancelled} cancelled, ` +
      `${ties} ties, ${mismatches.length} mismatches`,
  );
  expect(mismatches).toEqual([]);
  // The test itself: logits are not flat, the cancellations did something, ties stay rare.
  expect(report.meanMargin).toBeGreaterThan(0.3);
  expect(tokens).toBeGreaterThan(requests * 5);
  expect(ties).toBeLessThan(requests / 8);
}

describe.each(["f16", "f32"] as const)("text, %s KV cache", (type) => {
  const requests = drawRequests({ count: 64, seed: 7 });
  const model = tinyModel();
  const answers = plainAnswers(requests, model, { kv: type });

  // Ubatches of 64 cut most prompts, so that chunks of a prefill share forward passes with others' decoding.
  test.each([1, 4, 16])("batch of %i", async (batchSize) => {
    const { outcomes } = await engineOutcomes(requests, {
      ...ENGINE,
      model,
      mmproj: null,
      batchSize,
      nUbatch: 64,
      kv: { type },
    });
    check(`text, ${type}, batch of ${batchSize}`, compare(requests, await answers, outcomes));
  });

  test("two threads, a pool that is small for its batch", async () => {
    // All at once: however fast the host is, their prompts and answers then meet in the pool.
    const atOnce = requests.map((request) => ({ ...request, arrivalMs: 0 }));
    const { outcomes } = await engineOutcomes(atOnce, {
      nCtx: 768,
      nThreads: 2,
      model,
      mmproj: null,
      batchSize: 8,
      kv: { type },
    });
    check(`text, ${type}, small pool`, compare(requests, await answers, outcomes));
  });
});

describe.each(["llava", "qwen2vl", "gemma3"] as const)("images, %s", (family) => {
  describe.each(["f16", "f32"] as const)("%s KV cache", (type) => {
    const requests = drawRequests({ count: 64, seed: 11, images: pictures() });
    const { model, mmproj } = tinyPairs[family]();
    const answers = plainAnswers(requests, model, { mmproj, kv: type });

    test.each([1, 4, 16])("batch of %i", async (batchSize) => {
      const { outcomes } = await engineOutcomes(requests, {
        ...ENGINE,
        model,
        mmproj,
        batchSize,
        kv: { type },
      });
      check(`${family}, ${type}, batch of ${batchSize}`, compare(requests, await answers, outcomes));
    });
  });
});
