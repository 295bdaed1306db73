import type { Patient } from "fhir/r4";

import type { Context } from "./context.js";
import { confidenceOf, type Field } from "./fields.js";
import type { CheckedMapping } from "./mapping.js";

const GENDERS: Readonly<Record<string, NonNullable<Patient["gender"]>>> = {
  m: "male",
  male: "male",
  f: "female",
  female: "female",
};

/**
 * The patient as the page has them; undefined where it has nothing of them. The name stays one text: which word of it is the
 * family's is not known.
 */
export function toPatient(mapping: CheckedMapping["patient"], context: Context): Patient | undefined {
  if (mapping === undefined) return undefined;
  const [root] = context.fields.items(undefined);
  const field = (path: string | undefined) => context.fields.get(root!, path);
  const name = field(mapping.name);
  const identifier = field(mapping.identifier?.value);
  const born = field(mapping.birthDate);
  const parts = {
    ...(identifier && {
      identifier: [{ extension: confidenceOf(identifier), system: mapping.identifier!.system, value: identifier.text }],
    }),
    ...(name && { name: [{ extension: confidenceOf(name), text: name.text }] }),
    ...genderOf(field(mapping.gender), mapping.genders ?? GENDERS, context),
    ...birthDateOf(born, context),
  };
  return Object.keys(parts).length === 0 ? undefined : { resourceType: "Patient", meta: context.meta, ...parts };
}

function genderOf(
  field: Field | undefined,
  genders: Readonly<Record<string, NonNullable<Patient["gender"]>>>,
  context: Context,
): Pick<Patient, "gender" | "_gender"> {
  if (field === undefined) return {};
  const word = field.text.toLowerCase();
  if (!Object.hasOwn(genders, word)) {
    context.leaveOut("gender not known", field);
    return {};
  }
  return { gender: genders[word]!, _gender: { extension: confidenceOf(field) } };
}

function birthDateOf(field: Field | undefined, context: Context): Pick<Patient, "birthDate" | "_birthDate"> {
  const day = context.day(field);
  return day === undefined ? {} : { birthDate: day, _birthDate: { extension: confidenceOf(field) } };
}
