/** 50 schemas of the kinds that people write. Texts and arrays in them are bounded; property names cannot be. */
const text = { type: "string", maxLength: 6 } as const;
const object = (properties: Record<string, unknown>, required = Object.keys(properties), more: object = {}) => ({
  type: "object",
  properties,
  required,
  ...more,
});

export const schemas: Record<string, Record<string, unknown>> = {
  boolean: { type: "boolean" },
  null: { type: "null" },
  integer: { type: "integer" },
  number: { type: "number" },
  "any short text": { type: "string", maxLength: 8 },
  "text of a length": { type: "string", minLength: 3, maxLength: 5 },
  "text of at least": { type: "object", properties: { a: { type: "string", minLength: 2, maxLength: 9 } } },
  "enum of texts": { enum: ["mild", "moderate", "severe"] },
  "enum of all kinds": { enum: [1, "a", null, true, { b: [1.5] }, 'quote " and \\ and\nline'] },
  "typed enum": { type: "string", enum: ["ja", "nein", "ärztlich"] },
  const: { const: { code: "I10", system: "ICD-10" } },
  "age in years": { type: "integer", minimum: 0, maximum: 120 },
  "integer above 0": { type: "integer", exclusiveMinimum: 0, exclusiveMaximum: 1000 },
  "integer with a minimum alone": { type: "integer", minimum: 105 },
  "integer with a maximum alone": { type: "integer", maximum: -37 },
  "integer around 0": { type: "integer", minimum: -12, maximum: 205 },
  "integer below 0": { type: "integer", minimum: -999, maximum: -87 },
  "body temperature": { type: "number", minimum: 34, maximum: 42.5 },
  "part of one": { type: "number", minimum: 0, exclusiveMaximum: 1 },
  "number above": { type: "number", exclusiveMinimum: 0.5 },
  "number around 0": { type: "number", minimum: -1.25, maximum: 3.75 },
  "narrow number": { type: "number", minimum: 7.35, maximum: 7.45 },
  date: { type: "string", format: "date" },
  time: { type: "string", format: "time" },
  "date and time": { type: "string", format: "date-time" },
  uuid: { type: "string", format: "uuid" },
  "pattern of an ICD code": { type: "string", pattern: "^[A-Z]\\d{2}(\\.\\d{1,2})?$" },
  "pattern with alternatives": { type: "string", pattern: "^(mg|ml|g)/(d|kg)$" },
  "pattern with any character": { type: "string", pattern: "^.{1,6}$" },
  "pattern with a negated class": { type: "string", pattern: "^[^,;]{1,5}$" },
  "pattern with a wide range": { type: "string", pattern: '^[ -~]{2,4}\\w"\\\\$' },
  object: object({ name: text, smoker: { type: "boolean" } }),
  "optional properties": object({ a: text, b: { type: "null" }, c: { type: "boolean" } }, ["b"]),
  "only optional properties": object({ a: { type: "boolean" }, b: { type: "null" } }, []),
  "no other properties": object({ id: { type: "integer" } }, ["id"], { additionalProperties: false }),
  "other properties of a type": object({ age: { type: "integer", minimum: 0, maximum: 9 } }, ["age"], {
    additionalProperties: { type: "boolean" },
  }),
  "a map": { type: "object", additionalProperties: { type: "integer", minimum: 1, maximum: 5 } },
  array: { type: "array", items: { type: "boolean" }, maxItems: 4 },
  "array of a size": { type: "array", items: { type: "integer", minimum: 1, maximum: 6 }, minItems: 2, maxItems: 3 },
  "array of arrays": { type: "array", items: { type: "array", items: { type: "null" }, maxItems: 2 }, maxItems: 3 },
  "array of objects": {
    type: "array",
    items: object({ drug: text, mg: { type: "integer", minimum: 1 } }),
    maxItems: 2,
  },
  tuple: { type: "array", prefixItems: [{ type: "integer" }, text, { type: "boolean" }], items: false },
  anyOf: { anyOf: [text, { type: "integer" }, { type: "null" }] },
  "several types": { type: ["integer", "null", "boolean"], minimum: 3, maximum: 17 },
  oneOf: {
    oneOf: [
      object({ kind: { const: "lab" }, value: { type: "number", minimum: 0, maximum: 10 } }),
      object({ kind: { const: "note" }, text }),
    ],
  },
  allOf: { allOf: [object({ a: { type: "boolean" } }), object({ b: { type: "null" } })] },
  "references, names that could meet": {
    ...object({ order: { $ref: "#/$defs/order" }, item: { $ref: "#/$defs/order-item" } }),
    $defs: { order: object({ item: { type: "boolean" } }), "order-item": object({ sku: { enum: ["x", "y"] } }) },
  },
  recursive: {
    ...object({ leaf: { type: "boolean" }, child: { anyOf: [{ type: "null" }, { $ref: "#" }] } }),
  },
  "names with quotes and signs": object({ 'a "b" \\ c': { type: "null" }, "größe/cm": { type: "boolean" } }),
  "a patient": object(
    {
      name: { type: "string", minLength: 1, maxLength: 10 },
      born: { type: "string", format: "date" },
      sex: { enum: ["f", "m", "x"] },
      vitals: object({
        pulse: { type: "integer", minimum: 20, maximum: 250 },
        temperature: { type: "number", minimum: 34, maximum: 43 },
      }),
      allergies: { type: "array", items: text, maxItems: 2 },
    },
    ["name", "born", "vitals"],
    { title: "Patient", description: "synthetic" },
  ),
};

/** Those of the 50 in which a property may have any name, of any length. */
export const anyNames: ReadonlySet<string> = new Set(["other properties of a type", "a map"]);

/** Texts and arrays without a bound. */
export const unbounded: Record<string, Record<string, unknown>> = {
  "a text": { type: "string" },
  "an array": { type: "array", items: { type: ["boolean", "null"] } },
  "an array of texts": { type: "array", items: { type: "string" } },
  "a map of arrays": { type: "object", additionalProperties: { type: "array", items: { type: "integer" } } },
  "a text of at least": object({ note: { type: "string", minLength: 20 } }),
};
