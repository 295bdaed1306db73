/** What the engine and a server answer, with evidence. */
import { readFileSync } from "node:fs";
import path from "node:path";

import { Engine } from "medinfer";
import { afterAll, beforeAll, expect, it } from "vitest";

import { fromRoot } from "../../../test/support/paths.mjs";
import { embeddedCalibration, evidenceEntries, evidenceOf, gradeAnswer, toFhir, answerMapping } from "../src/index.js";
import { page } from "./support/page.js";

const jsonSchema = JSON.parse(readFileSync(fromRoot("models", "answer-schema.json"), "utf8")) as Record<
  string,
  unknown
>;
const folder = fromRoot("examples", "prescriptions");
const names = ["00000", "00001", "00002", "00003"];
const truthOf = (name: string) =>
  (JSON.parse(readFileSync(path.join(folder, `${name}.json`), "utf8")) as { fields: Record<string, unknown> }).fields;

let engine: Engine;
beforeAll(async () => void (engine = await Engine.load()));
afterAll(() => engine.close());

it("gives each value of an answer its evidence, and the whole answer to FHIR", async () => {
  const rows = names.map((id) => ({ id, image: path.join(folder, `${id}.png`) }));
  const options = {
    prompt: "Extract demografig, clinical disease and medication informations as JSON",
    jsonSchema,
    nProbs: 1,
    sampling: { temperature: 0 },
    onError: "throw",
  } as const;
  let values = 0;
  for await (const result of engine.annotate(rows, options)) {
    const truth = truthOf(result.row.id);
    const words = Array.from(evidenceEntries(truthTree(truth)), ([, { value }]) => String(value));
    const { fields, calibrated } = evidenceOf({
      ...result,
      pages: [page(words, 7)],
      schema: jsonSchema,
      calibration: embeddedCalibration,
    });
    expect(calibrated).toBe(true);
    const grade = gradeAnswer(result, truth);
    for (const [i, [where, evidence]] of [...evidenceEntries(fields)].entries()) {
      expect(where).toEqual(grade.values[i]!.path);
      expect(evidence.confidence).toBeGreaterThan(0);
      expect(evidence.confidence).toBeLessThan(1);
      // The page's text is the truth: what was read right is on it.
      if (grade.values[i]!.right) expect(evidence).toMatchObject({ source: "text-layer", page: 7 });
      values++;
    }
    const { bundle, unmapped } = toFhir({
      fields,
      mapping: answerMapping,
      model: { name: "medinfer-tiny" },
      source: { sha256: "0".repeat(64), contentType: "image/png" },
      recorded: "2026-11-30T10:00:00Z",
    });
    expect(bundle.entry!.length).toBeGreaterThan(3);
    expect(unmapped.filter(({ reason }) => reason !== "day not clear")).toEqual([]);
  }
  expect(values).toBeGreaterThan(20);
});

it("reads the tokens of an answer that was drawn at random and closed at its limit", async () => {
  const schema = { type: "object", properties: { n: { type: "integer" }, t: { type: "string", maxLength: 9 } } };
  for (const seed of [1, 2, 3]) {
    const { text, parsed, logprobs } = await engine.chat({
      messages: [{ role: "user", content: "JSON" }],
      jsonSchema: { ...schema, required: ["n", "t"] },
      nProbs: 1,
      closeAtLimit: true,
      nPredict: 60,
      sampling: { temperature: 2, seed },
    }).result;
    const { fields } = evidenceOf({ text, parsed, logprobs });
    expect(Object.fromEntries(Array.from(evidenceEntries(fields), ([[key], { value }]) => [key, value]))).toEqual(
      parsed,
    );
  }
});

/** A tree in which each value looks like evidence, to walk over. */
function truthTree(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(truthTree);
  if (typeof value !== "object" || value === null) return { value, confidence: 1 };
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, truthTree(item)]));
}
