import { Histogram, Registry } from "prom-client";
import { expect, test } from "vitest";
import { TokenGaps } from "../src/telemetry/metrics/token-gaps.js";

const bounds = [0.001, 0.0025, 0.01, 0.5, 5];
const models = ["tiny", 'a "quoted" \\ name'];

test("counts what prom-client's histogram counts, in its words", async () => {
  const gaps = new TokenGaps(["gap_seconds", "other:gap_seconds"], "Between tokens.", bounds, models);
  const registers = [new Registry()];
  const labelNames = ["model_name"];
  const theirs = new Histogram({
    name: "gap_seconds",
    help: "Between tokens.",
    buckets: bounds,
    labelNames,
    registers,
  });
  for (const model_name of models) theirs.zero({ model_name });
  const observe = (model_name: string, seconds: number) => {
    gaps.observe(model_name, seconds);
    theirs.observe({ model_name }, seconds);
  };
  const lines = (text: string) => text.split("\n").filter((line) => line !== "");
  const expected = async () => {
    const once = await registers[0]!.metrics();
    return lines(once + once.replaceAll("gap_seconds", "other:gap_seconds"));
  };
  expect(lines(gaps.text())).toEqual(await expected());
  let random = 1;
  for (let i = 0; i < 5000; i++) {
    random = (random * 48271) % 2147483647;
    observe(models[i % 2]!, 10 ** ((random / 2147483647) * 6 - 4));
  }
  // A value at a bound falls into its bucket; a model that was not announced has its own counts.
  for (const bound of [0, ...bounds, 6]) observe("late", bound);
  expect(lines(gaps.text())).toEqual(await expected());
});
