/** Spelled units and their UCUM codes (https://ucum.org), where a spelling can mean one unit alone. */

export const UCUM = "http://unitsofmeasure.org";

/**
 * By how they are written, in upper and lower case as here. What is not here has no code: "tab" is no unit of UCUM, "mcg/kg/min"
 * may be any of two orders, "U" of insulin and "IU" differ, "cc" and "gr" are read wrongly. A user's table goes before it.
 */
const UNITS: Readonly<Record<string, string>> = {
  "%": "%",
  // mass
  kg: "kg",
  g: "g",
  mg: "mg",
  mcg: "ug",
  μg: "ug",
  ug: "ug",
  ng: "ng",
  // volume
  L: "L",
  l: "L",
  dL: "dL",
  dl: "dL",
  mL: "mL",
  ml: "mL",
  // amount
  mmol: "mmol",
  mol: "mol",
  mEq: "meq",
  IU: "[iU]",
  // concentrations
  "g/L": "g/L",
  "g/l": "g/L",
  "g/dL": "g/dL",
  "g/dl": "g/dL",
  "mg/L": "mg/L",
  "mg/l": "mg/L",
  "mg/dL": "mg/dL",
  "mg/dl": "mg/dL",
  "mg/mL": "mg/mL",
  "mg/ml": "mg/mL",
  "ug/L": "ug/L",
  "μg/L": "ug/L",
  "μg/l": "ug/L",
  "mcg/L": "ug/L",
  "ug/dL": "ug/dL",
  "μg/dL": "ug/dL",
  "mcg/dL": "ug/dL",
  "ug/mL": "ug/mL",
  "μg/mL": "ug/mL",
  "mcg/mL": "ug/mL",
  "ng/mL": "ng/mL",
  "ng/ml": "ng/mL",
  "ng/dL": "ng/dL",
  "ng/L": "ng/L",
  "pg/mL": "pg/mL",
  "pg/ml": "pg/mL",
  "mol/L": "mol/L",
  "mmol/L": "mmol/L",
  "mmol/l": "mmol/L",
  "mmol/mol": "mmol/mol",
  "umol/L": "umol/L",
  "μmol/L": "umol/L",
  "μmol/l": "umol/L",
  "nmol/L": "nmol/L",
  "nmol/l": "nmol/L",
  "pmol/L": "pmol/L",
  "pmol/l": "pmol/L",
  "mEq/L": "meq/L",
  "U/L": "U/L",
  "U/l": "U/L",
  "IU/L": "[iU]/L",
  "IU/mL": "[iU]/mL",
  "mIU/L": "m[iU]/L",
  "mIU/mL": "m[iU]/mL",
  "mU/L": "mU/L",
  "mg/g": "mg/g",
  "mg/kg": "mg/kg",
  // counts
  "10^9/L": "10*9/L",
  "10^12/L": "10*12/L",
  "10^3/uL": "10*3/uL",
  "10^3/μL": "10*3/uL",
  "10^6/uL": "10*6/uL",
  "10^6/μL": "10*6/uL",
  "/uL": "/uL",
  "/μL": "/uL",
  fL: "fL",
  fl: "fL",
  pg: "pg",
  // rates, pressures, lengths
  "mL/min": "mL/min",
  "ml/min": "mL/min",
  "mL/min/1.73m2": "mL/min/{1.73_m2}",
  "mL/min/1.73 m2": "mL/min/{1.73_m2}",
  "mL/min/1.73m²": "mL/min/{1.73_m2}",
  "mL/min/1.73 m²": "mL/min/{1.73_m2}",
  "mm/h": "mm/h",
  "mm/hr": "mm/h",
  bpm: "/min",
  "/min": "/min",
  mmHg: "mm[Hg]",
  kPa: "kPa",
  cm: "cm",
  mm: "mm",
  "kg/m2": "kg/m2",
  "kg/m²": "kg/m2",
  "°C": "Cel",
  "°F": "[degF]",
  // time
  second: "s",
  seconds: "s",
  minute: "min",
  minutes: "min",
  min: "min",
  hour: "h",
  hours: "h",
  h: "h",
  day: "d",
  days: "d",
  week: "wk",
  weeks: "wk",
  month: "mo",
  months: "mo",
  year: "a",
  years: "a",
};

const TIMES: ReadonlySet<string> = new Set(["s", "min", "h", "d", "wk", "mo", "a"]);

/** The UCUM code of a spelled unit: the user's, or one that can be no other; undefined where there is none. */
export function ucumOf(unit: string, own: Readonly<Record<string, string>> = {}): string | undefined {
  const spelled = unit.trim().replace(/\u00b5/gu, "μ");
  if (Object.hasOwn(own, unit.trim())) return own[unit.trim()];
  return Object.hasOwn(UNITS, spelled) ? UNITS[spelled] : undefined;
}

/** Whether FHIR takes the code for a duration. */
export function isTime(code: string): boolean {
  return TIMES.has(code);
}

/** Every code of the table, to be checked against UCUM's own. */
export const knownUcumCodes: readonly string[] = [...new Set(Object.values(UNITS))];
