/** Pages as FHIR. That the bundles are valid R4 is HAPI's word: fhir/validate.mjs. */
import { createHash, randomBytes } from "node:crypto";

import type { Bundle, FhirResource } from "fhir/r4";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { readCsv } from "../src/fhir/csv.js";
import { readQuantity } from "../src/fhir/quantity.js";
import { knownUcumCodes, ucumOf } from "../src/fhir/units.js";
import { sha1, uuidOf } from "../src/fhir/uuid.js";
import {
  answerMapping,
  CodeTable,
  evidenceOf,
  toFhir,
  type Evidence,
  type FhirMapping,
  type FhirOptions,
  type FhirResult,
} from "../src/index.js";
import { isoDay, readDay } from "../src/text-layer/dates.js";

const answer = {
  patient: "Leila Ochieng",
  age: "54",
  sex: "F",
  date: "6 Oct 2026",
  diagnosis: "Deep vein thrombosis",
  symptoms: ["Leg pain", "Swelling"],
  medications: [
    { name: "Apixaban", strength: "5 mg", dose: "1 tab", frequency: "twice daily", duration: "3 months" },
    { name: "Insulin", strength: "100 units/mL", dose: "as needed", frequency: "at night", duration: "ongoing" },
  ],
  tests: [
    { name: "D-dimer", value: "1.25 mg/L" },
    { name: "CRP", value: "<5 mg/L" },
    { name: "Culture", value: "no growth" },
  ],
};

/** Evidence for an answer, each value with a confidence of its own. */
function evidence(value: unknown) {
  const text = JSON.stringify(value);
  const bytes = [...new TextEncoder().encode(text)];
  // A token for each byte, ever less likely.
  const logprobs = bytes.map((byte, i) => ({ bytes: [byte], logprobBefore: -i / 1e5 }));
  return evidenceOf({ text, logprobs }).fields;
}

const given = {
  mapping: answerMapping,
  model: { name: "medinfer-tiny", version: "1" },
  source: { sha256: "ab".repeat(32), contentType: "image/png" },
  recorded: "2026-11-30T10:00:00Z",
};
const make = (value: unknown, more: Partial<FhirOptions> = {}): FhirResult =>
  toFhir({ fields: evidence(value), ...given, ...more });

type Of<Type> = Extract<FhirResource, { resourceType: Type }>;
function resources<Type extends FhirResource["resourceType"]>({ entry = [] }: Bundle, type: Type): Of<Type>[] {
  return entry.flatMap(({ resource }) => (resource?.resourceType === type ? [resource as Of<Type>] : []));
}

/** A resource without what all of them have, and without confidences. */
function bare(resource: unknown): unknown {
  return JSON.parse(JSON.stringify(resource), function (this: unknown, key, value: unknown) {
    return key === "extension" || key.startsWith("_") || ["id", "meta", "subject"].includes(key) ? undefined : value;
  });
}

describe("a page", () => {
  const { bundle, unmapped } = make(answer);

  it("becomes a patient, medications, conditions and observations", () => {
    expect(unmapped).toEqual([]);
    expect(resources(bundle, "Patient").map(bare)).toEqual([
      { resourceType: "Patient", name: [{ text: "Leila Ochieng" }], gender: "female" },
    ]);
    expect(resources(bundle, "Condition").map(bare)).toEqual([
      {
        resourceType: "Condition",
        verificationStatus: {
          coding: [
            {
              system: "http://terminology.hl7.org/CodeSystem/condition-ver-status",
              code: "unconfirmed",
              display: "Unconfirmed",
            },
          ],
        },
        code: { text: "Deep vein thrombosis" },
        recordedDate: "2026-10-06",
      },
    ]);
    const ucum = "http://unitsofmeasure.org";
    expect(resources(bundle, "MedicationStatement").map(bare)).toEqual([
      {
        resourceType: "MedicationStatement",
        status: "unknown",
        medicationCodeableConcept: { text: "Apixaban 5 mg" },
        dateAsserted: "2026-10-06",
        dosage: [
          {
            text: "1 tab, twice daily, 3 months",
            timing: {
              repeat: { boundsDuration: { value: 3, unit: "months", system: ucum, code: "mo" } },
              code: { text: "twice daily" },
            },
            doseAndRate: [{ doseQuantity: { value: 1, unit: "tab" } }],
          },
        ],
      },
      {
        resourceType: "MedicationStatement",
        status: "unknown",
        medicationCodeableConcept: { text: "Insulin 100 units/mL" },
        dateAsserted: "2026-10-06",
        dosage: [{ text: "as needed, at night, ongoing", timing: { code: { text: "at night" } } }],
      },
    ]);
    const observation = (text: string, value: object) => ({
      resourceType: "Observation",
      status: "unknown",
      code: { text },
      effectiveDateTime: "2026-10-06",
      ...value,
    });
    expect(resources(bundle, "Observation").map(bare)).toEqual([
      observation("Age", { valueQuantity: { value: 54, unit: "years", system: ucum, code: "a" } }),
      observation("Symptom", { valueCodeableConcept: { text: "Leg pain" } }),
      observation("Symptom", { valueCodeableConcept: { text: "Swelling" } }),
      observation("D-dimer", { valueQuantity: { value: 1.25, unit: "mg/L", system: ucum, code: "mg/L" } }),
      observation("CRP", { valueQuantity: { value: 5, comparator: "<", unit: "mg/L", system: ucum, code: "mg/L" } }),
      observation("Culture", { valueString: "no growth" }),
    ]);
  });

  it("says on each element how sure it is: as its least sure value", () => {
    const url = "http://hl7.org/fhir/uv/aitransparency/StructureDefinition/AIconfidence";
    const fields = evidence(answer) as Evidence<typeof answer>;
    const sure = (...all: { confidence: number }[]) => [
      { url, valueDecimal: Number(Math.min(...all.map(({ confidence }) => confidence)).toFixed(4)) },
    ];
    const [patient] = resources(bundle, "Patient");
    expect(patient!.name![0]!.extension).toEqual(sure(fields.patient));
    expect(patient!._gender!.extension).toEqual(sure(fields.sex));
    const [medication] = resources(bundle, "MedicationStatement");
    const { name, strength, dose, frequency, duration } = fields.medications[0]!;
    expect(medication!.medicationCodeableConcept!.extension).toEqual(sure(name, strength));
    expect(medication!._dateAsserted!.extension).toEqual(sure(fields.date));
    const [dosage] = medication!.dosage!;
    expect(dosage!._text!.extension).toEqual(sure(dose, frequency, duration));
    expect(dosage!.timing!.code!.extension).toEqual(sure(frequency));
    expect(dosage!.timing!.repeat!.boundsDuration!.extension).toEqual(sure(duration));
    expect(dosage!.doseAndRate![0]!.doseQuantity!.extension).toEqual(sure(dose));
    const culture = resources(bundle, "Observation").at(-1)!;
    expect(culture.code.extension).toEqual(sure(fields.tests[2]!.name));
    expect(culture._valueString!.extension).toEqual(sure(fields.tests[2]!.value));
  });

  it("is labelled as a model's, whose Provenance names model and page", () => {
    const clinical = ["Patient", "MedicationStatement", "Condition", "Observation"];
    const said = bundle.entry!.filter(({ resource }) => clinical.includes(resource!.resourceType));
    expect(said).toHaveLength(10);
    for (const { resource } of said) {
      expect(resource!.meta!.security![0]).toMatchObject({
        system: "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
        code: "AIAST",
      });
    }
    const [provenance] = resources(bundle, "Provenance");
    expect(provenance!.target.map(({ reference }) => reference)).toEqual(said.map(({ fullUrl }) => fullUrl));
    expect(provenance!.recorded).toBe("2026-11-30T10:00:00Z");
    const at = (reference?: string) => bundle.entry!.find(({ fullUrl }) => fullUrl === reference)!.resource!;
    expect(provenance!.agent[0]!.type!.coding![0]!.code).toBe("author");
    expect(bare(at(provenance!.agent[0]!.who.reference))).toEqual({
      resourceType: "Device",
      deviceName: [{ name: "medinfer-tiny", type: "model-name" }],
      type: { text: "Artificial intelligence model" },
      version: [{ value: "1" }],
    });
    const digest = Buffer.from("ab".repeat(32), "hex").toString("base64url");
    expect(bare(at(provenance!.entity![0]!.what.reference))).toEqual({
      resourceType: "DocumentReference",
      identifier: [{ system: "urn:ietf:rfc:3986", value: `ni:///sha-256;${digest}` }],
      status: "current",
      content: [{ attachment: { contentType: "image/png" } }],
    });
  });

  it("refers to what is in the bundle, and nothing else", () => {
    const known = new Set(bundle.entry!.map(({ fullUrl }) => fullUrl));
    expect(known.size).toBe(bundle.entry!.length);
    const references = [...JSON.stringify(bundle).matchAll(/"reference":"([^"]*)"/g)].map(([, reference]) => reference);
    expect(references.length).toBeGreaterThan(10);
    expect(references.filter((reference) => !known.has(reference))).toEqual([]);
    for (const { fullUrl, resource } of bundle.entry!) expect(fullUrl).toBe(`urn:uuid:${resource!.id}`);
  });

  it("is the same bundle again, and another for another page, file or model", () => {
    const ids = (more: Partial<FhirOptions> = {}, value: unknown = answer) =>
      make(value, more).bundle.entry!.map(({ fullUrl }) => fullUrl);
    expect(make(answer).bundle).toEqual(bundle);
    // What is read differently in a place is still the same resource.
    expect(ids({}, { ...answer, patient: "Leila Ochiong" })).toEqual(ids());
    const { source, model } = given;
    const shared = (more: Partial<FhirOptions>) => ids(more).filter((id) => ids().includes(id)).length;
    expect(shared({ source: { ...source, page: 2 } })).toBe(1); // the model
    expect(shared({ source: { ...source, sha256: "ac".repeat(32) } })).toBe(1);
    expect(shared({ model: { ...model, version: "2" } })).toBe(ids().length - 1);
    expect(ids({ source: { ...source, page: 1, sha256: "AB".repeat(32) } })).toEqual(ids());
  });

  it("is a collection, or a transaction that puts each resource under its id", () => {
    expect([bundle.type, bundle.timestamp]).toEqual(["collection", "2026-11-30T10:00:00Z"]);
    expect(bundle.entry!.every(({ request }) => request === undefined)).toBe(true);
    const { bundle: sent } = make(answer, { type: "transaction" });
    expect([sent.type, sent.timestamp]).toEqual(["transaction", undefined]);
    for (const { request, resource } of sent.entry!) {
      expect(request).toEqual({ method: "PUT", url: `${resource!.resourceType}/${resource!.id}` });
    }
  });

  it("is the caller's to change", () => {
    const { bundle: mine } = make(answer);
    resources(mine, "Patient")[0]!.meta!.security![0]!.code = "x";
    resources(mine, "Condition")[0]!.subject.reference = "x";
    expect(JSON.stringify(mine).split('"x"')).toHaveLength(3);
    expect(make(answer).bundle).toEqual(bundle);
  });

  it("is of a patient that is known, or of none", () => {
    const { bundle: known } = make(answer, { subject: { reference: "Patient/123" } });
    expect(resources(known, "Patient")).toEqual([]);
    expect(resources(known, "Condition")[0]!.subject).toEqual({ reference: "Patient/123" });
    const { bundle: nobody } = make({ diagnosis: "Gout" });
    expect(resources(nobody, "Patient")).toEqual([]);
    expect(resources(nobody, "Condition")[0]!.subject).toEqual({ display: "The page names no patient" });
  });

  it("on which nothing was read has no Provenance: there is nothing that it could be of", () => {
    const { bundle: empty } = make({});
    expect(empty.entry!.map(({ resource }) => resource!.resourceType)).toEqual(["DocumentReference", "Device"]);
  });
});

describe("codes", () => {
  const system = "http://hl7.org/fhir/sid/icd-10-cm";
  const conditions = CodeTable.fromCsv(`text,system,code,display\nDeep vein  thrombosis,${system},I82.409,\n`);

  it("are those of the tables, and no others", () => {
    const medications = CodeTable.fromCsv(
      `code,text,system,note,display\n1364447,apixaban 5 mg,urn:x:drugs,mine,"Apixaban, 5 mg"\n1,Insulin,urn:x:drugs,,Insulin\n`,
    );
    const { bundle } = make(answer, { codes: { conditions, medications } });
    expect(resources(bundle, "Condition")[0]!.code!.coding).toEqual([{ system, code: "I82.409" }]);
    expect(resources(bundle, "MedicationStatement").map((each) => each.medicationCodeableConcept)).toMatchObject([
      { text: "Apixaban 5 mg", coding: [{ system: "urn:x:drugs", code: "1364447", display: "Apixaban, 5 mg" }] },
      { text: "Insulin 100 units/mL", coding: [{ system: "urn:x:drugs", code: "1", display: "Insulin" }] },
    ]);
    for (const each of resources(bundle, "Observation")) {
      expect(each.code).not.toHaveProperty("coding");
      expect(each.valueCodeableConcept ?? {}).not.toHaveProperty("coding");
    }
  });

  it("may be of several systems", () => {
    const table = CodeTable.fromCsv("text,system,code\nGout,urn:a:b,1\ngout,urn:a:c,2\nGOUT,urn:a:b,1\n");
    expect(table.find("Gout")).toEqual([
      { system: "urn:a:b", code: "1" },
      { system: "urn:a:c", code: "2" },
    ]);
    expect(table.find("Gouts")).toEqual([]);
  });

  it.each([
    ["no table", ""],
    ["a column too few", "text,code\nGout,1"],
    ["no code", "text,system,code\nGout,urn:a:b,"],
    ["no system's URI", "text,system,code\nGout,ICD-10,M10"],
    ["two codes for a text", "text,system,code\nGout,urn:a:b,1\ngout,urn:a:b,2"],
    ["an open quote", 'text,system,code\n"Gout,urn:a:b,1'],
  ])("are refused: %s", (_, csv) => {
    expect(() => CodeTable.fromCsv(csv)).toThrow(expect.objectContaining({ code: "BAD_CODES" }));
  });

  it("come from CSV as it may be written", () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.string({ unit: fc.constantFrom("a", ",", '"', "\n", "\r", " ", "ä") }), { minLength: 2 })),
        fc.constantFrom("\n", "\r\n"),
        fc.boolean(),
        (rows, end, last) => {
          const cells = (row: string[]) => row.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(",");
          const csv = `\uFEFF${rows.map(cells).join(end)}${last ? end : ""}`;
          expect(readCsv(csv)).toEqual(rows);
        },
      ),
    );
    expect(readCsv("a,b\n\n,c\n1,\n")).toEqual([
      ["a", "b"],
      ["", "c"],
      ["1", ""],
    ]);
  });
});

describe("quantities", () => {
  it.each([
    ["7.2 mmol/L", { value: 7.2, unit: "mmol/L", system: "http://unitsofmeasure.org", code: "mmol/L" }],
    ["7,2 g/dl", { value: 7.2, unit: "g/dl", system: "http://unitsofmeasure.org", code: "g/dL" }],
    ["12µg/L", { value: 12, unit: "µg/L", system: "http://unitsofmeasure.org", code: "ug/L" }],
    ["≥ 90 mL/min/1.73 m²", { comparator: ">=", value: 90, unit: "mL/min/1.73 m²", code: "mL/min/{1.73_m2}" }],
    ["4.5 10^9/L", { value: 4.5, unit: "10^9/L", code: "10*9/L" }],
    ["-1.5 mmol/L", { value: -1.5, unit: "mmol/L" }],
    ["45%", { value: 45, unit: "%", code: "%" }],
    ["2 puffs", { value: 2, unit: "puffs" }],
    ["12", { value: 12 }],
  ])("%s is one", (text, quantity) => {
    expect(readQuantity(text)).toMatchObject(quantity);
  });

  it.each([
    "1,250 mg",
    "5-10 mg",
    "5 to 10 mg",
    "1/2 tablet",
    "120/80 mmHg",
    "2 puffs at night",
    "thin layer",
    "",
    "1.2.3",
    "mg",
    "10.5.2026",
  ])("%s is none", (text) => {
    expect(readQuantity(text)).toBeUndefined();
  });

  it("have codes only for what can be one unit alone", () => {
    expect(readQuantity("2 puffs")).not.toHaveProperty("code");
    for (const unit of ["Mg", "MG", "m", "U", "units", "tab", "cc", "__proto__", "toString"]) {
      expect(ucumOf(unit)).toBeUndefined();
    }
    expect(ucumOf("tab", { tab: "{tbl}" })).toBe("{tbl}");
    expect(ucumOf("mg", { mg: "g" })).toBe("g");
    expect(knownUcumCodes).toContain("mmol/L");
  });
});

describe("days", () => {
  it.each([
    ["2026-10-06", "2026-10-06"],
    ["2026/10/6", "2026-10-06"],
    ["6.10.2026", "2026-10-06"],
    ["25/10/2026", "2026-10-25"],
    ["10/25/2026", "2026-10-25"],
    ["10/10/2026", "2026-10-10"],
    ["6 Oct 2026", "2026-10-06"],
    ["6-Oct-2026", "2026-10-06"],
    ["October 6, 2026", "2026-10-06"],
    ["6th October 2026", "2026-10-06"],
    ["6. März 2026", "2026-03-06"],
    ["6 de octubre de 2026", "2026-10-06"],
    ["29 Feb 2024", "2024-02-29"],
  ])("%s is %s", (text, day) => {
    expect(isoDay(readDay(text)!)).toBe(day);
  });

  it.each([
    "06/10/2026",
    "06-10-2026",
    "6/10/26",
    "31.2.2026",
    "2026-13-01",
    "29 Feb 2026",
    "Oct 2026",
    "today",
    "6 Foo 2026",
  ])("%s is none that is sure", (text) => {
    expect(readDay(text)).toBeUndefined();
  });

  it("of numbers are read as the pages write them", () => {
    expect(isoDay(readDay("06/10/2026", "dmy")!)).toBe("2026-10-06");
    expect(isoDay(readDay("06/10/2026", "mdy")!)).toBe("2026-06-10");
    expect(isoDay(readDay("25/10/2026", "mdy")!)).toBe("2026-10-25");
    const { bundle, unmapped } = make({ ...answer, date: "06/10/2026" });
    expect(unmapped).toEqual([{ path: "date", reason: "day not clear" }]);
    expect(resources(bundle, "Condition")[0]).not.toHaveProperty("recordedDate");
    expect(
      resources(make({ ...answer, date: "06/10/2026" }, { dateOrder: "mdy" }).bundle, "Condition")[0],
    ).toMatchObject({
      recordedDate: "2026-06-10",
    });
  });
});

describe("a mapping", () => {
  it("is for a form of one's own", () => {
    const mapping: FhirMapping = {
      patient: {
        name: "person.name",
        birthDate: "person.born",
        gender: "person.sex",
        genders: { w: "female" },
        identifier: { value: "person.mrn", system: "https://hospital.example/mrn" },
      },
      medications: [{ name: "drug" }],
      conditions: [{ each: "problems", name: "." }],
      observations: [{ each: "labs", name: "what", value: "result", unit: "unit" }],
    };
    const value = {
      person: { name: "Ada Kern", born: "1.2.1980", sex: "W", mrn: 4711 },
      drug: "Aspirin",
      problems: ["Gout", "", null],
      labs: [
        { what: "K", result: 4.5, unit: "mmol/L" },
        { what: "Na", result: "139 mmol/L", unit: null },
        { what: null, result: 3, unit: "g" },
      ],
      ward: "7b",
    };
    const { bundle, unmapped } = make(value, { mapping });
    expect(resources(bundle, "Patient").map(bare)).toEqual([
      {
        resourceType: "Patient",
        identifier: [{ system: "https://hospital.example/mrn", value: "4711" }],
        name: [{ text: "Ada Kern" }],
        gender: "female",
        birthDate: "1980-02-01",
      },
    ]);
    expect(resources(bundle, "MedicationStatement").map((each) => each.medicationCodeableConcept!.text)).toEqual([
      "Aspirin",
    ]);
    expect(resources(bundle, "Condition").map((each) => each.code!.text)).toEqual(["Gout"]);
    expect(resources(bundle, "Observation").map((each) => [each.code.text, each.valueQuantity])).toMatchObject([
      ["K", { value: 4.5, code: "mmol/L" }],
      ["Na", { value: 139, code: "mmol/L" }],
    ]);
    // The least sure of value and unit: later bytes are less sure, and the unit stands last.
    const [potassium] = resources(bundle, "Observation");
    const fields = evidence(value) as Evidence<typeof value>;
    expect(potassium!.valueQuantity!.extension![0]!.valueDecimal).toBe(
      Number(fields.labs[0]!.unit.confidence.toFixed(4)),
    );
    expect(unmapped).toEqual([
      { path: "labs.2.result", reason: "no name" },
      { path: "labs.2.unit", reason: "no name" },
      { path: "ward", reason: "not in the mapping" },
    ]);
  });

  it("may ask for a value twice: each has an id of its own", () => {
    const mapping: FhirMapping = {
      conditions: [{ name: "diagnosis" }, { name: "diagnosis" }],
      observations: [{ name: { text: "Diagnosis" }, value: "diagnosis" }],
    };
    const ids = make({ diagnosis: "Gout" }, { mapping }).bundle.entry!.map(({ fullUrl }) => fullUrl);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toHaveLength(6);
    expect(ids[0]).toBe(make({ diagnosis: "Gout" }).bundle.entry![0]!.fullUrl);
  });

  it("loses no value without a word", () => {
    const { unmapped } = make({
      sex: "?",
      symptoms: "Leg pain",
      medications: [{ strength: "5 mg", dose: "1 tab", frequency: "", duration: null }],
      tests: [{ name: "CRP" }, { value: "5 mg/L" }],
    });
    expect(unmapped.map(({ path, reason }) => `${path}: ${reason}`).sort()).toEqual([
      "medications.0.dose: no name",
      "medications.0.strength: no name",
      "sex: gender not known",
      "symptoms: not in the mapping",
      "tests.0.name: no name",
      "tests.1.value: no name",
    ]);
  });

  it("is refused where it is none", () => {
    for (const mapping of [{ patiant: {} }, { medications: [{ strength: "x" }] }, null, { date: "" }]) {
      const call = () => make(answer, { mapping: mapping as FhirMapping });
      expect(call).toThrow(expect.objectContaining({ code: "BAD_MAPPING" }));
    }
  });
});

it.each([
  ["a hash", { source: { ...given.source, sha256: "ab" } }],
  ["a page", { source: { ...given.source, page: 0 } }],
  ["a content type", { source: { ...given.source, contentType: "png" } }],
  ["a time with its zone", { recorded: "2026-11-30 10:00" }],
  ["a model's name", { model: { name: "" } }],
])("what is given is refused without %s", (_, more) => {
  expect(() => make(answer, more)).toThrow(expect.objectContaining({ code: "BAD_SOURCE" }));
});

describe("ids", () => {
  it("have the SHA-1 of the standard", () => {
    for (let length = 0; length < 200; length++) {
      const bytes = randomBytes(length);
      expect(Buffer.from(sha1(bytes)).toString("hex")).toBe(createHash("sha1").update(bytes).digest("hex"));
    }
  });

  it("are UUIDs of version 5", () => {
    expect(uuidOf("a page")).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    // As Python's uuid.uuid5 makes it of the same namespace.
    expect(uuidOf("Größe 1")).toBe("cb87c5d7-ba4c-58e6-8fa1-63e9336004ff");
  });
});
