import type { Dosage, MedicationStatement, Timing } from "fhir/r4";

import type { Context, Frame, Made } from "./context.js";
import { confidenceOf, type Field } from "./fields.js";
import type { MedicationMapping } from "./mapping.js";
import { readQuantity } from "./quantity.js";
import { isTime, UCUM } from "./units.js";

/** A statement for each medication that has a name. Whether it is still taken is not known. */
export function toMedications(
  mapping: MedicationMapping,
  { subject, date }: Frame,
  context: Context,
): Made<MedicationStatement>[] {
  return context.fields.items(mapping.each).flatMap((item) => {
    const [name, strength, dose, frequency, duration] = (
      ["name", "strength", "dose", "frequency", "duration"] as const
    ).map((part) => context.fields.get(item, mapping[part]));
    if (name === undefined) {
      context.leaveOut("no name", strength, dose, frequency, duration);
      return [];
    }
    const texts = strength === undefined ? [name.text] : [`${name.text} ${strength.text}`, name.text];
    const dosage = toDosage(dose, frequency, duration, context);
    const resource: MedicationStatement = {
      resourceType: "MedicationStatement",
      meta: context.meta,
      status: "unknown",
      medicationCodeableConcept: context.concept(context.codes.medications, texts, name, strength),
      subject,
      ...(date && { dateAsserted: date.day, _dateAsserted: { extension: confidenceOf(date.field) } }),
      ...(dosage && { dosage: [dosage] }),
    };
    return [{ place: name.path, resource }];
  });
}

/** The words as they stand, and the parts of them that are clear beside them. */
function toDosage(
  dose: Field | undefined,
  frequency: Field | undefined,
  duration: Field | undefined,
  { units }: Context,
): Dosage | undefined {
  const parts = [dose, frequency, duration].filter((part) => part !== undefined);
  if (parts.length === 0) return undefined;
  const amount = dose && readQuantity(dose.text, units);
  const timing = toTiming(frequency, duration, units);
  return {
    text: parts.map(({ text }) => text).join(", "),
    _text: { extension: confidenceOf(...parts) },
    ...(timing && { timing }),
    // A dose is a plain quantity: one with a comparator stays in the text.
    ...(amount &&
      amount.comparator === undefined && {
        doseAndRate: [{ doseQuantity: { extension: confidenceOf(dose), ...amount } }],
      }),
  };
}

/** How often as a text, and for how long where that is a number of days, weeks… */
function toTiming(
  frequency: Field | undefined,
  duration: Field | undefined,
  units: Readonly<Record<string, string>>,
): Timing | undefined {
  const length = duration && readQuantity(duration.text, units);
  const bounds =
    length?.system === UCUM && length.comparator === undefined && isTime(length.code!) ? length : undefined;
  if (frequency === undefined && bounds === undefined) return undefined;
  return {
    ...(bounds && { repeat: { boundsDuration: { extension: confidenceOf(duration), ...bounds } } }),
    ...(frequency && { code: { extension: confidenceOf(frequency), text: frequency.text } }),
  };
}
