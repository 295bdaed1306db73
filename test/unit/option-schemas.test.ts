import Ajv from "ajv/dist/2020.js";
import { expect, test } from "vitest";

import { inspectSampling, optionSchemas } from "medinfer";

interface ObjectSchema {
  properties: Record<string, Record<string, unknown>>;
}
const sampling = optionSchemas().sampling as unknown as ObjectSchema;

test("names, ranges and defaults of sampling", () => {
  expect(sampling.properties.temperature).toEqual({ type: "number", minimum: -1, maximum: 100, default: 0.8 });
  expect(sampling.properties.topK).toEqual({ type: "integer", minimum: -1, maximum: 2 ** 31 - 1, default: 40 });
  expect(sampling.properties.repeatPenalty).toEqual({ type: "number", exclusiveMinimum: 0, maximum: 100, default: 1 });
  expect(sampling.properties.penalizeNl).toEqual({ type: "boolean", default: false });
  expect(sampling.properties.miroStat).toEqual({ enum: ["DISABLED", "V1", "V2"], default: "DISABLED" });
  expect(sampling.properties.drySequenceBreakers).toEqual({
    type: "array",
    items: { type: "string", minLength: 1 },
    default: ["\n", ":", '"', "*"],
  });
});

test("what an option of sampling may be is what the engine takes, and beyond it is refused", async () => {
  for (const [name, { type, minimum, maximum }] of Object.entries(sampling.properties)) {
    if (type !== "number" && type !== "integer") continue;
    for (const bound of [minimum, maximum])
      if (bound !== undefined) expect(await fault(name, bound)).not.toMatch(`sampling.${name} must be`);
    if (minimum !== undefined) expect(await fault(name, Number(minimum) - 1)).toMatch(`sampling.${name} must be`);
    if (maximum !== undefined) expect(await fault(name, Number(maximum) + 1)).toMatch(`sampling.${name} must be`);
  }
});

/** Why a value is refused; empty: it is not. It may be in its range and at odds with the other parameters. */
async function fault(name: string, value: unknown): Promise<string> {
  try {
    await inspectSampling({ logits: [0, 1], sampling: { [name]: value } });
    return "";
  } catch (error) {
    return (error as Error).message;
  }
}

test("they are JSON schemas, and have all names but signal", () => {
  const ajv = new Ajv({ strict: true, allowUnionTypes: true });
  const schemas = optionSchemas();
  for (const schema of Object.values(schemas)) ajv.compile(schema as object);
  const names = Object.keys((schemas.chat as { properties: object }).properties);
  expect(names).toEqual(expect.arrayContaining(["messages", "nPredict", "stopRegexes", "thinkingBudget", "sampling"]));
  expect(names).not.toContain("signal");
});
