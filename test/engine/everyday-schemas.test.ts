/** What people and their libraries put into schemas every day: each becomes a grammar soon, whose texts are valid. */
import { Ajv2019 } from "ajv/dist/2019.js";
import addFormats from "ajv-formats";
import { jsonSchemaToGrammar, type JsonSchema } from "medinfer";
import { describe, expect, it } from "vitest";
import { inexactNumbers, randomAnswers } from "./support/random-answers.js";

const ANSWERS = 100;

// 2019-09 has all that is tried here: items as a list, unevaluatedProperties, $anchor. A precision for decimals.
const ajv = new Ajv2019({ strict: false, multipleOfPrecision: 9, logger: false, validateFormats: true });
(addFormats as unknown as (ajv: Ajv2019) => void)(ajv);

const text = (pattern: string, more: object = {}): JsonSchema => ({ type: "string", pattern, ...more });
const names = (count: number) => Array.from({ length: count }, (_, i) => `field${i}`);
const fields = (count: number) =>
  Object.fromEntries(names(count).map((name) => [name, { type: "integer", maximum: 9 }]));
const codes = (count: number) =>
  Array.from({ length: count }, (_, i) => `${String.fromCharCode(65 + (i % 26))}${i * 7}.${i % 10}`);

const schemas: Record<string, JsonSchema> = {
  "bounds of JavaScript's integers": {
    type: "integer",
    minimum: -Number.MAX_SAFE_INTEGER,
    maximum: Number.MAX_SAFE_INTEGER,
  },
  "bounds beyond them": { type: "integer", minimum: -1e20, maximum: 2 ** 64 },
  "bounds of float": { type: "number", minimum: -3.4028234663852886e38, maximum: 3.4028234663852886e38 },
  "any number": { type: "number" },
  "a small bound": { type: "number", exclusiveMinimum: 1e-7, maximum: 1e-3 },
  "a bound of 17 digits": { type: "number", minimum: 0.1 + 0.2, maximum: 0.4 },
  "steps of 0.1": { type: "number", minimum: 0, maximum: 20, multipleOf: 0.1 },
  "steps of 0.25": { type: "number", multipleOf: 0.25 },
  "steps of 5": { type: "integer", minimum: -100, maximum: 1000, multipleOf: 5 },
  "steps of 1000": { type: "number", multipleOf: 1000 },
  "steps twice": { allOf: [{ type: "integer", multipleOf: 4 }, { multipleOf: 6 }] },
  "two bounds on one side": { type: "number", minimum: 3, exclusiveMinimum: 4, maximum: 9, exclusiveMaximum: 9 },

  "format beside pattern": text("^\\d{4}-0[1-6]", { format: "date" }),
  "an address of zod": text(
    "^(?!\\.)(?!.*\\.\\.)([A-Za-z0-9_'+\\-\\.]*)[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9\\-]*\\.)+[A-Za-z]{2,}$",
    { format: "email" },
  ),
  "an address with a length": { type: "string", format: "email", minLength: 6, maxLength: 60 },
  "an HttpUrl of pydantic": { type: "string", format: "uri", minLength: 1, maxLength: 2083 },
  "a Decimal of pydantic": text("^(?!^[-+.]*$)[+-]?0*\\d*\\.?\\d*$", { maxLength: 20 }),
  ...Object.fromEntries(
    ["date", "time", "date-time", "iso-time", "iso-date-time", "duration", "uuid", "email", "hostname", "ipv4", "ipv6"]
      .concat(["url", "uri", "uri-reference", "json-pointer", "byte", "password", "binary"])
      .map((format) => [`format ${format}`, { type: "string", format }]),
  ),
  "an unanchored pattern": text("mg|ml"),
  "an alternative with its own anchors": text("^abc|xyz$"),
  "an empty pattern": text(""),
  "opposites of sets": text("^\\S+\\s\\W\\D$"),
  "line breaks": text("^[^\\n]+\\n[ \\r\\n\\t\\S]{3}$"),
  "a repetition of what may be empty": text("^(x?)*(y*)+(?:z?){2,}$"),
  "a lookahead": text("^(?=.*\\d)(?=.*[a-z])[a-z\\d]{4,8}$"),
  "characters that JSON escapes": text('^["\\\\/\\t]{3}"\\\\$'),
  "characters beyond the first plane": text("^[😀-😎é]{2}$"),
  "a pattern with lengths": text("^[a-z]+( [a-z]+)*$", { minLength: 5, maxLength: 12 }),
  "a length of 2000": { type: "string", maxLength: 2000 },
  "a length of 2001": { type: "string", maxLength: 2001 },
  "a length of 65535": { type: "string", maxLength: 65535 },
  "a length that is no bound": { type: "string", maxLength: Number.MAX_SAFE_INTEGER },
  "at least 2500": { type: "string", minLength: 2500 },
  "a pattern of 2 to 10000": text("^[\\s\\S]{2,10000}$"),
  "3000 items": { type: "array", items: { type: "boolean" }, minItems: 3000 },
  "up to 10000 items": { type: "array", items: { type: "null" }, maxItems: 10000 },

  "5000 codes": { enum: codes(5000) },
  "5000 codes, twice": {
    type: "object",
    properties: { a: { enum: codes(5000) }, b: { type: "array", maxItems: 2, items: { enum: codes(5000) } } },
  },
  "5000 constants": { anyOf: codes(5000).map((value) => ({ const: value, title: `the code ${value}` })) },
  "400 properties": { type: "object", properties: fields(400), required: names(400) },
  "400 properties that may be left out": { type: "object", properties: fields(400), additionalProperties: false },
  "properties of which every second is required": {
    type: "object",
    properties: fields(60),
    required: names(60).filter((_, i) => i % 2 === 0),
  },
  "additional ones beside 200": { type: "object", properties: fields(200), additionalProperties: { type: "null" } },

  "words that say nothing": {
    $schema: "https://json-schema.org/draft/2019-09/schema",
    $comment: "x",
    title: "Patient",
    description: "x",
    type: "object",
    properties: {
      a: { type: "boolean", default: true, examples: [true], readOnly: true, deprecated: true, "x-order": 1 },
    },
  },
  nullable: { type: "string", maxLength: 3, nullable: true },
  "several types with words for each": {
    type: ["string", "integer", "array"],
    maxLength: 3,
    minimum: 5,
    maxItems: 1,
    items: { const: 1 },
  },
  "words for another type": { type: "number", pattern: "^[1-9]$", maxLength: 1, minimum: 0 },
  "an enum among other words": { type: "string", enum: ["a", "bcd", 5, null], minLength: 2 },
  "names that are texts": {
    type: "object",
    propertyNames: { type: "string" },
    additionalProperties: { type: "integer" },
  },
  "names of a list": {
    type: "object",
    propertyNames: { enum: ["a", "b"] },
    additionalProperties: { type: "null" },
    required: ["b"],
  },
  "names of a pattern": {
    type: "object",
    propertyNames: { pattern: "^[a-z]{2}$" },
    additionalProperties: { type: "null" },
  },
  "TypeBox's Record": { type: "object", patternProperties: { "^(.*)$": { type: "boolean" } } },
  "patterns of names beside properties": {
    type: "object",
    properties: { abc: { type: "integer" }, z: { type: "null" } },
    patternProperties: { "^a": { minimum: 3 }, c$: { maximum: 7 }, "^[x-z]+$": true },
    additionalProperties: false,
  },
  "at least one property": {
    type: "object",
    properties: { a: { const: 1 }, b: { const: 2 } },
    minProperties: 1,
    additionalProperties: false,
  },
  "at most three of any name": { type: "object", maxProperties: 3, additionalProperties: { const: 1 } },
  "a property that may not be there": { type: "object", properties: { a: { not: {} }, b: { const: 1 } } },
  "alternatives beside properties": {
    type: "object",
    properties: { a: { const: 1 }, b: { const: 2 } },
    anyOf: [{ required: ["a"] }, { required: ["b"] }],
    additionalProperties: false,
  },
  "one property in two parts": {
    allOf: [
      { properties: { a: { minimum: 3, type: "integer" } } },
      { properties: { a: { maximum: 5 } }, required: ["a"] },
    ],
  },
  "parts that close": {
    allOf: [
      { type: "object", properties: { a: { const: 1 } }, required: ["a"] },
      { type: "object", properties: { b: { const: 2 } } },
    ],
    unevaluatedProperties: false,
  },
  "different ones by what they hold": {
    oneOf: [
      { type: "object", properties: { a: { const: 1 } }, required: ["a"], additionalProperties: false },
      { type: "object", properties: { b: { const: 1 } }, required: ["b"], additionalProperties: false },
      { type: "integer", maximum: 3 },
      { type: "integer", minimum: 4 },
      { type: "string", pattern: "^a" },
      { type: "string", pattern: "^b" },
    ],
  },
  "a reference with %-escapes": { $ref: "#/$defs/a%20b~1c", $defs: { "a b/c": { const: 1 } } },
  "an anchor": { $ref: "#here", $defs: { a: { $anchor: "here", const: 1 } } },
  "its own $id": {
    $id: "https://example.org/own.json",
    $ref: "https://example.org/own.json#/$defs/a",
    $defs: { a: { type: "array", items: { $ref: "own.json#/$defs/b" }, maxItems: 2 }, b: { const: 1 } },
  },
  "a reference beside other words": {
    $ref: "#/$defs/a",
    maximum: 4,
    title: "x",
    $defs: { a: { type: "integer", minimum: 3 } },
  },
  "a tree": {
    $ref: "#/$defs/node",
    $defs: {
      node: { type: "object", properties: { left: { $ref: "#/$defs/node" }, right: { $ref: "#/$defs/node" } } },
    },
  },
  "items that differ": { type: "array", items: { enum: ["a", "b", "c", 1, null] }, uniqueItems: true },
  "two or three items that differ": {
    type: "array",
    items: { enum: ["a", "b", "c", "d"] },
    uniqueItems: true,
    minItems: 2,
    maxItems: 3,
  },
  "a tuple and more": {
    type: "array",
    items: [{ const: 1 }, { const: 2 }],
    additionalItems: { const: 3 },
    maxItems: 4,
  },
  "a tuple that is open": { type: "array", items: [{ type: "boolean" }], minItems: 3 },
};

describe("an everyday schema", () => {
  it.each(Object.entries(schemas))("%s", (_name, schema) => {
    const begin = performance.now();
    const grammar = jsonSchemaToGrammar(schema);
    expect(performance.now() - begin).toBeLessThan(1500);
    const validate = ajv.compile(schema);
    const [texts] = randomAnswers([grammar], ANSWERS);
    expect(texts).toHaveLength(ANSWERS);
    for (const each of texts!) {
      const value = JSON.parse(each) as unknown;
      expect(validate(value), `${each.slice(0, 300)}: ${ajv.errorsText(validate.errors)}`).toBe(true);
      expect(JSON.parse(JSON.stringify(value))).toEqual(value);
      expect(inexactNumbers(each), each).toEqual([]);
    }
  });
});
