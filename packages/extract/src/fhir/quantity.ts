/** Texts that are a number and a unit. */
import type { Quantity } from "fhir/r4";

import { UCUM, ucumOf } from "./units.js";

const COMPARATORS: Readonly<Record<string, Quantity["comparator"]>> = {
  "<": "<",
  ">": ">",
  "<=": "<=",
  ">=": ">=",
  "≤": "<=",
  "≥": ">=",
};

/**
 * `"7.2 mmol/L"` as a quantity, with the unit's UCUM code where there is one; undefined where the text is anything else, a range
 * for example. A point is decimal. So is a comma, unless exactly three digits follow, which may be thousands: then there is no
 * quantity. JavaScript's numbers keep no zeros at the end.
 */
export function readQuantity(text: string, units?: Readonly<Record<string, string>>): Quantity | undefined {
  const match = /^([<>]=?|[≤≥])?\s*([+-]?\d+(?:[.,]\d+)?)\s*(?![\d.,])(.*)$/u.exec(text.trim());
  if (match === null || /,\d{3}$/u.test(match[2]!)) return undefined;
  const unit = match[3]!.trim();
  const code = unit === "" ? undefined : ucumOf(unit, units);
  // "5 to 10 mg", "2 puffs at night": more than a number and its unit.
  if (code === undefined && (/[\s\d]/u.test(unit) || /^[-–/]/u.test(unit))) return undefined;
  return {
    value: Number(match[2]!.replace(",", ".")),
    ...(match[1] !== undefined && { comparator: COMPARATORS[match[1]] }),
    ...(unit !== "" && { unit }),
    ...(code !== undefined && { system: UCUM, code }),
  };
}
