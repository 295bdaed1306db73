/** Schemas as zod, TypeBox, valibot and pydantic write them, of 60 clinical types, and FHIR's own (test/schemas). */
import { Ajv } from "ajv";
import { Ajv2019 } from "ajv/dist/2019.js";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { jsonSchemaToGrammar, type JsonSchema } from "medinfer";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { fromRoot } from "../support/paths.mjs";
import { inexactNumbers, randomAnswers } from "./support/random-answers.js";

const ANSWERS = 100;

const read = (name: string) =>
  JSON.parse(readFileSync(fromRoot("test", "schemas", `${name}.json`), "utf8")) as Record<string, JsonSchema>;

/** Decimals such as 0.1 are no multiples of each other in binary: an option says how far Ajv looks. */
const options = { strict: false, multipleOfPrecision: 9, formats: { base64: true } } as const;

function validatorOf(ajv: Ajv | Ajv2019 | Ajv2020) {
  (addFormats as unknown as (ajv: unknown) => void)(ajv);
  return ajv;
}

/** The draft that each library writes; TypeBox's has items as a list and unevaluatedProperties. */
const libraries = {
  zod: () => new Ajv2020(options),
  typebox: () => new Ajv2019(options),
  valibot: () => new Ajv(options),
  pydantic: () => new Ajv2020(options),
};

function expectValid(ajv: Ajv | Ajv2019 | Ajv2020, schema: JsonSchema, texts: string[]) {
  const validate = ajv.compile(schema);
  for (const text of texts) {
    const value = JSON.parse(text) as unknown;
    expect(validate(value), `${text}: ${ajv.errorsText(validate.errors)}`).toBe(true);
    expect(JSON.parse(JSON.stringify(value))).toEqual(value);
    expect(inexactNumbers(text), text).toEqual([]);
  }
}

describe.each(Object.keys(libraries) as (keyof typeof libraries)[])("schemas of %s", (library) => {
  const schemas = read(library);
  const names = Object.keys(schemas);

  it("are 60", () => expect(names).toHaveLength(60));

  it("become grammars in less than a second each, whose texts are valid", () => {
    const grammars = names.map((name) => {
      const begin = performance.now();
      const grammar = jsonSchemaToGrammar(schemas[name]!);
      expect(performance.now() - begin, name).toBeLessThan(1000);
      return grammar;
    });
    const answers = randomAnswers(grammars, ANSWERS);
    const ajv = validatorOf(libraries[library]());
    names.forEach((name, i) => {
      expect(answers[i]).toHaveLength(ANSWERS);
      expectValid(ajv, schemas[name]!, answers[i]!);
    });
  });
});

describe("kinds of values that zod and valibot know", () => {
  const kinds = read("kinds");
  const names = Object.keys(kinds);

  it("become grammars whose texts are valid", () => {
    const answers = randomAnswers(
      names.map((name) => jsonSchemaToGrammar(kinds[name]!)),
      ANSWERS,
    );
    // Of two drafts, which say the same of these; formats beside the known ones are names of a pattern.
    const ajv = validatorOf(new Ajv2019({ ...options, logger: false }));
    names.forEach((name, i) => {
      const rest = Object.fromEntries(Object.entries(kinds[name]!).filter(([key]) => key !== "$schema"));
      // 2019-09 writes prefixItems as items, and items as additionalItems.
      const { prefixItems, items, ...others } = rest;
      expectValid(
        ajv,
        prefixItems === undefined ? rest : { ...others, items: prefixItems, additionalItems: items },
        answers[i]!,
      );
    });
  });
});

describe("FHIR R4", () => {
  const official = read("fhir-r4") as unknown as {
    $schema: string;
    id: string;
    definitions: Record<string, { properties?: Record<string, unknown> }>;
  };
  const resources = ["Patient", "MedicationStatement", "Condition", "Observation"];

  /** As it is used: resources without narrative, nothing with extensions. */
  const plain = structuredClone(official);
  for (const { properties } of Object.values(plain.definitions)) {
    delete properties?.extension;
    delete properties?.modifierExtension;
    if (properties !== undefined && "resourceType" in properties) delete properties.text;
  }

  it.each([
    ["without extensions and text", plain],
    ["with them", official],
  ])("%s becomes grammars in less than a second each, whose texts are valid", (_what, schema) => {
    const schemas = resources.map((name) => ({ ...schema, $ref: `#/definitions/${name}` }));
    const grammars = schemas.map((each) => {
      const begin = performance.now();
      const grammar = jsonSchemaToGrammar(each);
      expect(performance.now() - begin).toBeLessThan(1000);
      return grammar;
    });
    const answers = randomAnswers(grammars, ANSWERS);
    schemas.forEach((each, i) => {
      // Draft 6 says nothing else of these keywords than draft 7; Ajv takes no id of draft 4.
      const rest = Object.fromEntries(Object.entries(each).filter(([key]) => key !== "$schema" && key !== "id"));
      expectValid(validatorOf(new Ajv(options)), rest, answers[i]!);
      for (const text of answers[i]!) expect(JSON.parse(text)).toMatchObject({ resourceType: resources[i] });
    });
  });
});
