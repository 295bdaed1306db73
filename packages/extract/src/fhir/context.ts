/** What all resources of a page are made with. */
import type { CodeableConcept, Coding, Meta, Reference } from "fhir/r4";

import { isoDay, readDay, type DateOrder } from "../text-layer/dates.js";
import type { CodeTable } from "./code-table.js";
import { confidenceOf, type Field, type Fields } from "./fields.js";

/** Tables of codes, by what they are for. */
export interface CodeTables {
  /** Names of medications, looked up with their strength ("Simvastatin 10 mg") first, then without. */
  readonly medications?: CodeTable;
  readonly conditions?: CodeTable;
  /** Names of what was observed. */
  readonly observations?: CodeTable;
  /** Values of observations that are concepts, such as symptoms. */
  readonly concepts?: CodeTable;
}

/** A value that is not in the bundle as it could be, and why. */
export interface Unmapped {
  /** Of the value, e.g. `medications.0.name`. */
  readonly path: string;
  /**
   * - `"not in the mapping"`: nothing asked for it, or there is nothing in it
   * - `"day not clear"`: it is no day, or may be two (`03/04/2026`); see `dateOrder`
   * - `"gender not known"`: no gender stands for it
   * - `"no name"`: a medication, condition or observation needs its name or value beside it
   */
  readonly reason: "not in the mapping" | "day not clear" | "gender not known" | "no name";
}

/** "Artificial Intelligence asserted": the label that "AI Transparency on FHIR" wants on what a model says. */
export const AI_LABEL: Coding = {
  system: "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
  code: "AIAST",
  display: "Artificial Intelligence asserted",
};

export class Context {
  readonly fields: Fields;
  readonly codes: CodeTables;
  readonly units: Readonly<Record<string, string>>;
  readonly unmapped: Unmapped[] = [];
  readonly #dateOrder: DateOrder | undefined;

  constructor(
    fields: Fields,
    {
      codes = {},
      units = {},
      dateOrder,
    }: { codes?: CodeTables; units?: Record<string, string>; dateOrder?: DateOrder },
  ) {
    this.fields = fields;
    this.codes = codes;
    this.units = units;
    this.#dateOrder = dateOrder;
  }

  /** Of a resource that the model filled in. */
  get meta(): Meta {
    return { security: [AI_LABEL] };
  }

  /** A text with the codes that the user's table has for it, or for one of the texts that mean the same. */
  concept(
    table: CodeTable | undefined,
    texts: readonly string[],
    ...from: readonly (Field | undefined)[]
  ): CodeableConcept {
    const coding = texts.map((text) => table?.find(text) ?? []).find((found) => found.length > 0);
    const sure = from.length > 0 && { extension: confidenceOf(...from) };
    return { ...sure, ...(coding && { coding }), text: texts[0]! };
  }

  /** The day that a field names, as FHIR writes it; undefined, and told, where it is not clear. */
  day(field: Field | undefined): string | undefined {
    if (field === undefined) return undefined;
    const day = readDay(field.text, this.#dateOrder);
    if (day === undefined) this.unmapped.push({ path: field.path, reason: "day not clear" });
    return day && isoDay(day);
  }

  leaveOut(reason: Unmapped["reason"], ...fields: readonly (Field | undefined)[]): void {
    for (const field of fields) if (field !== undefined) this.unmapped.push({ path: field.path, reason });
  }
}

/** A resource with a place of its own in the answer, which its id is made from. */
export interface Made<Resource> {
  /** E.g. `medications.0`; stays the same whatever is read there. */
  readonly place: string;
  readonly resource: Resource;
}

/** What resources are about, and the day of the page. */
export interface Frame {
  readonly subject: Reference;
  readonly date?: { readonly day: string; readonly field: Field };
}
