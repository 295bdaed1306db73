/** Confidences from scores, fitted and measured. */
import { readFileSync } from "node:fs";
import path from "node:path";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { abscissa } from "../src/confidence/calibration.js";
import {
  confidenceOf,
  embeddedCalibration,
  evidenceOf,
  fitCalibration,
  gradeAnswer,
  measureReliability,
  type Calibration,
  type Judged,
  type Sample,
} from "../src/index.js";

/** scikit-learn's figures: reference/calibration.py made them. */
interface Case {
  scores: number[];
  rights: number[];
  sigmoid: { intercept: number; slope: number };
  weighted: { intercept: number; slope: number };
  auc: number;
  brier: number;
}
const stored = readFileSync(path.join(import.meta.dirname, "reference", "calibration.json"), "utf8");
const cases = (JSON.parse(stored) as Case[]).map((each) => ({
  ...each,
  samples: each.scores.map((score, i) => ({ score, right: each.rights[i] === 1 })),
}));

const sum = (score: number) => ({ sum: score, least: score, mean: score });

describe("a confidence", () => {
  it("is the model's probability without a calibration", () => {
    expect(confidenceOf({ sum: -0.5, least: -0.4, mean: -0.1 })).toBe(Math.exp(-0.5));
  });

  it("is the curve's value with one", () => {
    const curve: Calibration = { score: "least", intercept: 0.5, slope: -2, fittedTo: { values: 100, wrong: 20 } };
    // 1 / (1 + e^-(0.5 - 2 ln 0.1001)) = 1 / (1 + e^-0.5 · 0.1001²)
    const byHand = 1 / (1 + Math.exp(-0.5) * 0.1001 ** 2);
    expect(confidenceOf({ sum: -9, least: -0.1, mean: -5 }, curve)).toBeCloseTo(byHand, 12);
  });

  it("never leaves 0 to 1, and is never certain with the embedded model's", () => {
    fc.assert(
      fc.property(fc.double({ min: -1e6, max: 0, noNaN: true }), (score) => {
        const confidence = confidenceOf(sum(score), embeddedCalibration);
        expect(confidence).toBeGreaterThanOrEqual(0);
        expect(confidence).toBeLessThan(1);
      }),
    );
    expect(confidenceOf(sum(0), embeddedCalibration)).toBeGreaterThan(0.999);
  });

  it("refuses what is no calibration", () => {
    const answer = { text: "1", logprobs: [{ bytes: [0x31], logprobBefore: 0 }] };
    for (const calibration of [{}, { score: "sum" }, { ...embeddedCalibration, slope: NaN }]) {
      const call = () => evidenceOf({ ...answer, calibration: calibration as Calibration });
      expect(call).toThrow(expect.objectContaining({ code: "BAD_CALIBRATION" }));
    }
    expect(evidenceOf({ ...answer, calibration: embeddedCalibration }).calibrated).toBe(true);
  });
});

describe("a fit", () => {
  it.each(cases.map((each) => [each.samples.length, each] as const))("to %i samples is scikit-learn's", (_, each) => {
    const { score, intercept, slope, fittedTo } = fitCalibration(
      each.samples.map(({ score, right }) => ({ scores: sum(score), right })),
    );
    expect(score).toBe("sum");
    expect(fittedTo).toEqual({
      values: each.samples.length,
      wrong: each.samples.filter(({ right }) => !right).length,
    });
    for (const { intercept: other, slope: others } of [each.sigmoid, each.weighted]) {
      expect(Math.abs(intercept - other)).toBeLessThan(1e-6);
      expect(Math.abs(slope - others)).toBeLessThan(1e-6);
    }
  });

  it("has the mean of its samples, and no lean: the sum of its errors is none", () => {
    const scores = fc.array(fc.tuple(fc.double({ min: -30, max: 0, noNaN: true }), fc.boolean()), {
      minLength: 60,
      maxLength: 200,
    });
    fc.assert(
      fc.property(scores, (drawn) => {
        const samples = drawn.map(([score, right]) => ({ scores: sum(score), right }));
        const right = samples.filter((sample) => sample.right).length;
        const wrong = samples.length - right;
        fc.pre(right >= 10 && wrong >= 10);
        const curve = fitCalibration(samples);
        const target = (sample: Sample) => (sample.right ? (right + 1) / (right + 2) : 1 / (wrong + 2));
        const errors = samples.map((sample) => confidenceOf(sample.scores, curve) - target(sample));
        const leaning = samples.map((sample, i) => errors[i]! * abscissa(sample.scores.sum));
        expect(Math.abs(errors.reduce((a, b) => a + b, 0))).toBeLessThan(1e-5 * samples.length);
        expect(Math.abs(leaning.reduce((a, b) => a + b, 0))).toBeLessThan(1e-4 * samples.length);
      }),
    );
  });

  it("takes the score that tells most", () => {
    const samples = Array.from({ length: 200 }, (_, i) => {
      const right = i % 4 !== 0;
      return { right, scores: { sum: -((i * 7) % 13), least: right ? -0.01 * (i % 9) : -1 - (i % 5), mean: -1 } };
    });
    expect(fitCalibration(samples).score).toBe("least");
  });

  it("ends where a score parts right from wrong without an error", () => {
    const samples = Array.from({ length: 100 }, (_, i) => ({ right: i < 80, scores: sum(i < 80 ? -0.001 : -5) }));
    const curve = fitCalibration(samples);
    // Platt's targets: 81 of 82, and 1 of 22.
    expect(confidenceOf(sum(-0.001), curve)).toBeCloseTo(81 / 82, 4);
    expect(confidenceOf(sum(-5), curve)).toBeCloseTo(1 / 22, 4);
  });

  it("ends where all scores are the same", () => {
    const samples = Array.from({ length: 100 }, (_, i) => ({ right: i < 80, scores: sum(-1) }));
    expect(confidenceOf(sum(-1), fitCalibration(samples))).toBeCloseTo((80 * (81 / 82) + 20 / 22) / 100, 4);
  });

  it("takes ten right and ten wrong values", () => {
    const some = (right: number, wrong: number) =>
      Array.from({ length: right + wrong }, (_, i) => ({ right: i < right, scores: sum(-1) }));
    const tooFew = expect.objectContaining({ code: "TOO_FEW_SAMPLES" });
    expect(() => fitCalibration(some(500, 9))).toThrow(tooFew);
    expect(() => fitCalibration(some(9, 500))).toThrow(tooFew);
    expect(() => fitCalibration([])).toThrow(tooFew);
    expect(fitCalibration(some(10, 10)).fittedTo).toEqual({ values: 20, wrong: 10 });
  });
});

describe("a measure", () => {
  const judged = (...all: [confidence: number, right: 0 | 1][]): Judged[] =>
    all.map(([confidence, right]) => ({ confidence, right: right === 1 }));

  it("has by hand's figures", () => {
    const found = measureReliability(judged([0.95, 1], [0.95, 0], [0.85, 1], [0.2, 0], [0.3, 1], [1, 1]));
    // Pairs of a right and a wrong one: 0.95/0.95 half, 0.95/0.2 1, 0.85/0.95 0, 0.85/0.2 1, 0.3/0.95 0, 0.3/0.2 1, 1/… 2.
    expect(found.auc).toBeCloseTo(5.5 / 8, 12);
    // Bins: 0.2 (0 right), 0.3 (1 right), 0.85 (1 right), 0.95 0.95 1 (2 of 3 right).
    expect(found.ece).toBeCloseTo((0.2 + 0.7 + 0.15 + 3 * Math.abs((0.95 + 0.95 + 1) / 3 - 2 / 3)) / 6, 12);
    expect(found.brier).toBeCloseTo((0.05 ** 2 + 0.95 ** 2 + 0.15 ** 2 + 0.2 ** 2 + 0.7 ** 2) / 6, 12);
    expect([found.count, found.wrong]).toEqual([6, 2]);
    expect(found.bins.map(({ count }) => count)).toEqual([0, 0, 1, 1, 0, 0, 0, 0, 1, 3]);
    expect(found.bins[9]).toMatchObject({ from: 0.9, to: 1, right: 2 / 3 });
  });

  it.each(cases.map((each) => [each.samples.length, each] as const))("of %i samples is scikit-learn's", (_, each) => {
    const { intercept, slope } = each.sigmoid;
    const found = measureReliability(
      each.samples.map(({ score, right }) => ({
        confidence: 1 / (1 + Math.exp(-(intercept + slope * abscissa(score)))),
        right,
      })),
    );
    expect(found.auc).toBeCloseTo(each.auc, 9);
    expect(found.brier).toBeCloseTo(each.brier, 9);
  });

  it("is the share of ordered pairs, whatever the confidences", () => {
    const some = fc.array(fc.tuple(fc.integer({ min: 0, max: 20 }), fc.boolean()), { minLength: 2, maxLength: 40 });
    fc.assert(
      fc.property(some, (drawn) => {
        const all = drawn.map(([twentieths, right]) => ({ confidence: twentieths / 20, right }));
        const right = all.filter((each) => each.right);
        const wrong = all.filter((each) => !each.right);
        fc.pre(right.length > 0 && wrong.length > 0);
        let wins = 0;
        for (const a of right)
          for (const b of wrong) wins += a.confidence > b.confidence ? 1 : a.confidence === b.confidence ? 0.5 : 0;
        expect(measureReliability(all).auc).toBeCloseTo(wins / right.length / wrong.length, 12);
      }),
    );
  });

  it("takes a right and a wrong value", () => {
    const tooFew = expect.objectContaining({ code: "TOO_FEW_SAMPLES" });
    expect(() => measureReliability(judged([0.5, 1]))).toThrow(tooFew);
    expect(() => measureReliability([])).toThrow(tooFew);
  });
});

describe("a grade", () => {
  const answer = (text: string) => ({
    text,
    logprobs: [{ bytes: [...new TextEncoder().encode(text)], logprobBefore: -1 }],
  });

  it("compares place by place: what is made up is wrong, what is missing is told", () => {
    const { values, missing } = gradeAnswer(answer('{"a":"x","b":["1","2"],"d":3}'), {
      a: "x",
      b: ["1", "3", "4"],
      c: null,
    });
    expect(values.map(({ path, right, invented }) => [path.join("."), right, invented])).toEqual([
      ["a", true, false],
      ["b.0", true, false],
      ["b.1", false, false],
      ["d", false, true],
    ]);
    expect(missing.map((each) => each.join("."))).toEqual(["b.2", "c"]);
    expect(values[0]!.scores).toEqual({ sum: -1, least: -1, mean: -1 });
  });

  it("is to the letter, unless it is told otherwise", () => {
    const text = '{"a":"5 MG","b":1}';
    const rights = (grade: ReturnType<typeof gradeAnswer>) => grade.values.map(({ right }) => right);
    expect(rights(gradeAnswer(answer(text), { a: "5 mg", b: "1" }))).toEqual([false, false]);
    const loose = (a: unknown, b: unknown) => String(a).toLowerCase() === String(b).toLowerCase();
    expect(rights(gradeAnswer(answer(text), { a: "5 mg", b: "1" }, loose))).toEqual([true, true]);
  });
});
