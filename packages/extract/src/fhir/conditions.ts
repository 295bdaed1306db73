import type { CodeableConcept, Condition } from "fhir/r4";

import type { Context, Frame, Made } from "./context.js";
import { confidenceOf } from "./fields.js";
import type { ConditionMapping } from "./mapping.js";

/** What a model read off a page has not been confirmed by anybody. */
const UNCONFIRMED: CodeableConcept = {
  coding: [
    {
      system: "http://terminology.hl7.org/CodeSystem/condition-ver-status",
      code: "unconfirmed",
      display: "Unconfirmed",
    },
  ],
};

export function toConditions(mapping: ConditionMapping, { subject, date }: Frame, context: Context): Made<Condition>[] {
  return context.fields.items(mapping.each).flatMap((item) => {
    const name = context.fields.get(item, mapping.name);
    if (name === undefined) return [];
    const resource: Condition = {
      resourceType: "Condition",
      meta: context.meta,
      verificationStatus: UNCONFIRMED,
      code: context.concept(context.codes.conditions, [name.text], name),
      subject,
      ...(date && { recordedDate: date.day, _recordedDate: { extension: confidenceOf(date.field) } }),
    };
    return [{ place: name.path, resource }];
  });
}
