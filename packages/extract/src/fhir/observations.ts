import type { Observation } from "fhir/r4";

import type { Context, Frame, Made } from "./context.js";
import { confidenceOf, type Field } from "./fields.js";
import type { ObservationMapping } from "./mapping.js";
import { readQuantity } from "./quantity.js";

/** An observation for each value that has a name. Whether the result is final is not known. */
export function toObservations(
  mapping: ObservationMapping,
  { subject, date }: Frame,
  context: Context,
): Made<Observation>[] {
  return context.fields.items(mapping.each).flatMap((item) => {
    const fixed = typeof mapping.name !== "string" ? mapping.name.text : undefined;
    const name = typeof mapping.name === "string" ? context.fields.get(item, mapping.name) : undefined;
    const value = context.fields.get(item, mapping.value);
    const unit = typeof mapping.unit === "string" ? context.fields.get(item, mapping.unit) : undefined;
    const text = fixed ?? name?.text;
    if (value === undefined || text === undefined) {
      context.leaveOut("no name", name, value, unit);
      return [];
    }
    const named = name === undefined ? [] : [name];
    const resource: Observation = {
      resourceType: "Observation",
      meta: context.meta,
      status: "unknown",
      code: context.concept(context.codes.observations, [text], ...named),
      subject,
      ...(date && { effectiveDateTime: date.day, _effectiveDateTime: { extension: confidenceOf(date.field) } }),
      ...valueOf(mapping, value, unit, context),
    };
    return [{ place: value.path, resource }];
  });
}

type Value = Pick<Observation, "valueCodeableConcept" | "valueQuantity" | "valueString" | "_valueString">;

function valueOf(mapping: ObservationMapping, value: Field, unit: Field | undefined, context: Context): Value {
  if (mapping.concept) return { valueCodeableConcept: context.concept(context.codes.concepts, [value.text], value) };
  const text = withUnit(mapping, value, unit);
  const quantity = readQuantity(text, context.units);
  if (quantity !== undefined) return { valueQuantity: { extension: confidenceOf(value, unit), ...quantity } };
  return { valueString: text, _valueString: { extension: confidenceOf(value, unit) } };
}

/** A mere number gets its unit; a value that has one with it keeps that, and the page's other word besides. */
function withUnit(mapping: ObservationMapping, value: Field, unit: Field | undefined): string {
  const isNumber = /^[<>=≤≥]*\s*[+-]?[\d.,]+$/u.test(value.text);
  if (typeof mapping.unit === "object") return isNumber ? `${value.text} ${mapping.unit.text}` : value.text;
  if (unit === undefined || (!isNumber && value.text.endsWith(unit.text))) return value.text;
  return `${value.text} ${unit.text}`;
}
