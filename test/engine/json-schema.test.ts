/** Every complete answer satisfies its schema, whatever the model would say: its weights are random. */
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { Engine, jsonSchemaToGrammar, type JsonSchema, type Sampling } from "medinfer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { tinyModel } from "../support/random-model.mjs";
import { errorOf } from "./support/engines.js";
import { anyNames, schemas, unbounded } from "./support/schemas.js";

const RUNS = 20;
const N_PREDICT = 600;

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.load({ model: tinyModel(), nThreads: 2, nCtx: 16384, nCtxPerRequest: 1024, batchSize: 16 });
});
afterAll(() => engine.close());

const ajv = new Ajv2020({ strict: false });
(addFormats as unknown as (ajv: Ajv2020) => void)(ajv);

/**
 * A text without a bound ends where the model draws a quote. One with random weights does so once in a thousand tokens
 * and more; a bias gives it the will of one that was trained, and leaves the schema as endless as it is.
 */
function endingTexts() {
  const quote = engine.tokenize('"', { addSpecial: false }).at(-1)!;
  return { tokenIdBias: { [quote]: 8 } };
}

/** How many of the answers are complete; each that is not valid fails the test. */
async function countComplete(jsonSchema: JsonSchema, sampling: Sampling = {}): Promise<number> {
  const validate = ajv.compile(jsonSchema);
  const results = await Promise.all(
    Array.from(
      { length: RUNS },
      (_, seed) =>
        engine.complete({
          prompt: "bat dog",
          jsonSchema,
          sampling: { temperature: 1, topK: 0, topP: 1, minP: 0, seed, ...sampling },
          nPredict: N_PREDICT,
        }).result,
    ),
  );
  const complete = results.filter(({ finishReason }) => finishReason === "eos");
  for (const { text, parsed } of complete) {
    expect(JSON.parse(text)).toEqual(parsed);
    expect(validate(parsed), `${text}: ${ajv.errorsText(validate.errors)}`).toBe(true);
  }
  return complete.length;
}

describe("jsonSchema", () => {
  it("has 50 schemas", () => expect(Object.keys(schemas)).toHaveLength(50));

  let complete = 0;
  it.each(Object.entries(schemas))("%s", async (name, jsonSchema) => {
    const here = await countComplete(jsonSchema, anyNames.has(name) ? endingTexts() : {});
    complete += here;
    expect(here).toBe(RUNS);
  });

  it("is satisfied by 1000 answers of 1000", () => expect(complete).toBe(1000));

  it.each(Object.entries(unbounded))("without any bound: %s", async (_name, jsonSchema) => {
    expect(await countComplete(jsonSchema, endingTexts())).toBe(RUNS);
  });

  it("has no value where the answer was cut off", async () => {
    const { finishReason, parsed, text } = await engine.complete({
      prompt: "bat dog",
      jsonSchema: schemas["a patient"]!,
      sampling: { seed: 1 },
      nPredict: 10,
    }).result;
    expect([finishReason, parsed]).toEqual(["length", undefined]);
    expect(text).toContain("{");
  });
});

const nested = (levels: number) =>
  Array.from({ length: levels }).reduce<Record<string, unknown>>((items) => ({ type: "array", items }), {});

/** What cannot be kept, or what is no schema: [schema, where, the keyword]. */
const refused: [Record<string, unknown>, string, RegExp][] = [
  [{ properties: { a: { type: "array", uniqueItems: true } } }, "#/properties/a", /^uniqueItems/],
  [{ type: "number", multipleOf: 0.123456 }, "#", /^multipleOf/],
  [{ type: "object", properties: { a: {}, b: {} }, maxProperties: 1 }, "#", /^maxProperties/],
  [{ type: "object", minProperties: 2 }, "#", /^minProperties/],
  [{ type: "object", patternProperties: { "(": {} } }, "#", /^patternProperties "\("/],
  [{ type: "object", propertyNames: { anyOf: [{ maxLength: 3 }, { pattern: "a" }] } }, "#", /^propertyNames/],
  [{ type: "object", dependentRequired: {} }, "#", /^dependentRequired/],
  [{ type: "object", properties: { a: {} }, required: ["b"] }, "#", /^required names "b"/],
  [{ items: { type: "array", contains: { type: "null" } } }, "#/items", /^contains/],
  [{ not: { type: "null" } }, "#", /^not/],
  [{ if: {}, then: {} }, "#", /^if/],
  [{ $ref: "https://example.org/schema.json" }, "#", /^\$ref to another document/],
  [{ $ref: "#/$defs/none" }, "#", /^\$ref to "#\/\$defs\/none" leads nowhere/],
  [{ $ref: "#/$defs/a", $defs: { a: { $ref: "#/$defs/a" } } }, "#/$defs/a", /^\$ref leads back to itself/],
  [
    { $ref: "#/$defs/a", $defs: { a: { properties: { b: { $ref: "#/$defs/a" } }, required: ["b"] } } },
    "#/$defs/a",
    /^schema describes no value that ends/,
  ],
  [{ type: "string", format: "no-such" }, "#", /^format "no-such"/],
  [{ type: "string", pattern: "^(?<=a)b$" }, "#", /^pattern has a lookbehind/],
  [{ type: "string", pattern: "^\\p{L}$" }, "#", /^pattern has the escape \\p/],
  [{ type: "string", pattern: "^a$", minLength: 2 }, "#", /^pattern matches no text/],
  [{ type: "string", pattern: "^(?:a|b)*a(?:a|b){30}$" }, "#", /^pattern needs too many rules/],
  [{ type: "string", minLength: 5, maxLength: 2 }, "#", /^maxLength/],
  [{ type: "integer", minimum: 5, maximum: 2 }, "#", /^minimum/],
  [{ type: "integer", minimum: 1e300 }, "#", /^minimum/],
  [{ oneOf: [{ type: "number" }, { type: "integer" }] }, "#", /^oneOf has alternatives 0 and 1/],
  [{ type: "string", enum: [5] }, "#", /^enum/],
  [{ anyOf: [{ type: "txet" }] }, "#/anyOf/0", /^type is "txet"/],
  [{ type: "object", properties: 5 }, "#", /^properties/],
  [{ properties: { a: { not: {} } }, required: ["a"] }, "#", /^required names "a"/],
  [nested(80), "#/items/items", /^schema is nested too deeply/],
];

describe("a schema that no grammar keeps", () => {
  it("is refused where an object has too many keys to be read in time", async () => {
    const $defs = Object.fromEntries(Array.from({ length: 300_000 }, (_, i) => [`p${i}`, {}]));
    const error = await errorOf(() => jsonSchemaToGrammar({ type: "null", $defs } as JsonSchema));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(error.message).toContain("more than 10000 keys");
  });

  it.each(refused)("is refused: %j", async (schema, place, says) => {
    const error = await errorOf(() => jsonSchemaToGrammar(schema));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT" });
    const [, path, said] = /(#[^ ]*): (.*)$/s.exec(error.message)!;
    expect(path!.startsWith(place)).toBe(true);
    expect(said).toMatch(says);
    expect(said).toMatch(/: [a-z]|must be /); // what to do
    expect(said).not.toMatch(/left recursion|answer-/); // nothing of our own rules
    expect(error.message.length).toBeLessThan(600);
    const { result } = engine.complete({ prompt: "bat", jsonSchema: schema });
    expect(await errorOf(result)).toMatchObject({ code: "INVALID_ARGUMENT", issues: [{ path: "jsonSchema" }] });
  });
});
