/** Which values of an answer become what in FHIR. */
import * as v from "valibot";

import { ExtractError } from "../errors.js";

/** Keys with points between them, from the root or, with `each`, from an item of that array; `"."` is the item itself. */
const path = v.pipe(v.string(), v.nonEmpty());

const medication = v.strictObject({
  /** The array whose items are medications. Default: the answer has one, at its root. */
  each: v.optional(path),
  /** The name. Without it there is no MedicationStatement. */
  name: path,
  strength: v.optional(path),
  dose: v.optional(path),
  frequency: v.optional(path),
  duration: v.optional(path),
});

const condition = v.strictObject({ each: v.optional(path), name: path });

const observation = v.strictObject({
  each: v.optional(path),
  /** What was observed: a path, or the same text for all. */
  name: v.union([path, v.strictObject({ text: v.string() })]),
  value: path,
  /** The unit where the value is a mere number: a path, or the same spelled unit for all. */
  unit: v.optional(v.union([path, v.strictObject({ text: v.string() })])),
  /** The value is a concept of its own, such as a symptom, and may have codes. Default false: a quantity or a text. */
  concept: v.optional(v.boolean(), false),
});

const schema = v.strictObject({
  patient: v.optional(
    v.strictObject({
      name: v.optional(path),
      gender: v.optional(path),
      /** What stands for which gender, in lower case. Default: m, male, f and female. */
      genders: v.optional(v.record(v.string(), v.picklist(["male", "female", "other", "unknown"]))),
      birthDate: v.optional(path),
      identifier: v.optional(v.strictObject({ value: path, system: v.pipe(v.string(), v.url()) })),
    }),
  ),
  /** The day of the page: that of its observations, and on which its conditions and medications were noted. */
  date: v.optional(path),
  medications: v.optional(v.array(medication), []),
  conditions: v.optional(v.array(condition), []),
  observations: v.optional(v.array(observation), []),
});

export type FhirMapping = v.InferInput<typeof schema>;
export type CheckedMapping = v.InferOutput<typeof schema>;
export type MedicationMapping = CheckedMapping["medications"][number];
export type ConditionMapping = CheckedMapping["conditions"][number];
export type ObservationMapping = CheckedMapping["observations"][number];

/** @throws ExtractError `BAD_MAPPING` that says where it is wrong */
export function checkMapping(mapping: unknown): CheckedMapping {
  const { success, output, issues } = v.safeParse(schema, mapping);
  if (success) return output;
  const [first] = issues;
  throw new ExtractError(
    "BAD_MAPPING",
    `the mapping is wrong at ${v.getDotPath(first) ?? "its root"}: ${first.message}`,
  );
}

/** For answers under `models/answer-schema.json`, the form that the embedded model reads pages into. */
export const answerMapping: FhirMapping = {
  patient: { name: "patient", gender: "sex" },
  date: "date",
  medications: [
    {
      each: "medications",
      name: "name",
      strength: "strength",
      dose: "dose",
      frequency: "frequency",
      duration: "duration",
    },
  ],
  conditions: [{ name: "diagnosis" }],
  observations: [
    { name: { text: "Age" }, value: "age", unit: { text: "years" } },
    { each: "symptoms", name: { text: "Symptom" }, value: ".", concept: true },
    { each: "tests", name: "name", value: "value" },
  ],
};
