import { beforeEach, describe, expect, it, vi } from "vitest";
import { inspectSampling } from "../../lib/inspect-sampling.js";
import { rejection } from "./support/collect.js";
import type { FakeAddon } from "./support/fake-addon.js";
import { useFakeAddon } from "./support/fake-binding.js";

vi.mock("../../lib/native/addon.js", () => import("./support/fake-binding.js"));

let addon: FakeAddon;
beforeEach(() => {
  addon = useFakeAddon();
});

describe("inspectSampling", () => {
  it("gives logits, history and parameters to the addon, and its stages back", async () => {
    const given = { logits: [0, -Infinity], history: [1], newlineToken: 1, sampling: { topK: 3, seed: 5 } };
    expect(await inspectSampling(given)).toEqual({
      stages: [
        {
          sampler: "TEMPERATURE",
          candidates: [
            { id: 0, p: 1 },
            { id: 1, p: 0 },
          ],
        },
      ],
      token: 0,
    });
    expect(addon.inspected[0]).toMatchObject({
      logits: Float32Array.of(0, -Infinity),
      history: Int32Array.of(1),
      newlineToken: 1,
      sampling: { topK: 3, seed: 5, topP: 0.95 },
    });
  });

  it("takes probabilities as well", async () => {
    await inspectSampling({ probs: Float64Array.of(0.5, 0, 0.5) });
    expect(Array.from(addon.inspected[0]!.logits)).toEqual([
      Math.fround(Math.log(0.5)),
      -Infinity,
      Math.fround(Math.log(0.5)),
    ]);
    expect(addon.inspected[0]).toMatchObject({ newlineToken: -1, history: new Int32Array() });
  });

  it.each([
    [undefined, ""],
    [{}, "logits"],
    [{ logits: [1], probs: [1] }, "logits"],
    [{ logits: [] }, "logits"],
    [{ logits: [NaN] }, "logits"],
    [{ logits: [Infinity] }, "logits"],
    [{ logits: ["1"] }, "logits"],
    [{ probs: [-0.1] }, "probs"],
    [{ probs: [1], history: [-1] }, "history"],
    [{ probs: [1], newlineToken: 0.5 }, "newlineToken"],
    [{ probs: [1], sampling: { topK: -5 } }, "sampling.topK"],
    [{ probs: [1], samplings: {} }, "samplings"],
  ])("refuses %j", async (options, path) => {
    const error = await rejection(inspectSampling(options as never));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", issues: [{ path }] });
  });
});
