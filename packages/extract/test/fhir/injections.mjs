// Errors to put into a bundle: each returns whether the bundle had a place for it.

/** Changes the first resource of a type that fits. */
const within =
  (type, change, fits = () => true) =>
  ({ entry }) => {
    const resource = entry.map((each) => each.resource).find((each) => each.resourceType === type && fits(each));
    if (resource !== undefined) change(resource);
    return resource !== undefined;
  };
const hasQuantity = ({ valueQuantity }) => valueQuantity?.code !== undefined;
const hasBounds = ({ dosage }) => dosage?.[0].timing?.repeat !== undefined;

export const injections = {
  "a status that is none": within("MedicationStatement", (each) => (each.status = "taken")),
  "no status": within("MedicationStatement", (each) => delete each.status),
  "no medication": within("MedicationStatement", (each) => delete each.medicationCodeableConcept),
  "no subject": within("MedicationStatement", (each) => delete each.subject),
  "two medications": within("MedicationStatement", (each) => (each.medicationReference = { display: "x" })),
  "a duration without a code": within(
    "MedicationStatement",
    (each) => delete each.dosage[0].timing.repeat.boundsDuration.code,
    hasBounds,
  ),
  "a duration in milligrams": within(
    "MedicationStatement",
    (each) => (each.dosage[0].timing.repeat.boundsDuration.code = "mg"),
    hasBounds,
  ),
  "a day that is none": within("Condition", (each) => (each.recordedDate = "30/11/2026")),
  "a day in February": within("Condition", (each) => (each.recordedDate = "2026-02-30")),
  "a condition without subject": within("Condition", (each) => delete each.subject),
  "an unknown verification": within("Condition", (each) => (each.verificationStatus.coding[0].code = "sure")),
  "a code's display of another": within(
    "Condition",
    (each) => (each.verificationStatus.coding[0].display = "Confirmed"),
  ),
  "an observation without code": within("Observation", (each) => delete each.code),
  "two values": within("Observation", (each) => (each.valueString = "x"), hasQuantity),
  "a unit that is none": within("Observation", (each) => (each.valueQuantity.code = "mg per dl"), hasQuantity),
  "a code without system": within("Observation", (each) => delete each.valueQuantity.system, hasQuantity),
  "a number as text": within("Observation", (each) => (each.valueQuantity.value = "x"), hasQuantity),
  "a field that is none": within("Observation", (each) => (each.confidence = 0.9)),
  "a gender that is none": within(
    "Patient",
    (each) => (each.gender = "F"),
    ({ gender }) => gender !== undefined,
  ),
  "an empty name": within("Patient", (each) => (each.name = [{}])),
  "a name that is no list": within("Patient", (each) => (each.name = { text: "x" })),
  "an unknown label": within("Patient", (each) => (each.meta.security[0].code = "AIMADE")),
  "a confidence as text": within(
    "Patient",
    (each) => (each.name[0].extension[0] = { url: each.name[0].extension[0].url, valueString: "high" }),
    ({ name }) => name !== undefined,
  ),
  "a confidence without value": within(
    "Patient",
    (each) => delete each.name[0].extension[0].valueDecimal,
    ({ name }) => name !== undefined,
  ),
  "a Provenance of nothing": within("Provenance", (each) => delete each.target),
  "a Provenance of nobody": within("Provenance", (each) => delete each.agent),
  "a Provenance without time": within("Provenance", (each) => delete each.recorded),
  "a time without zone": within("Provenance", (each) => (each.recorded = "2026-11-30T10:00:00")),
  "an entity's role that is none": within("Provenance", (each) => (each.entity[0].role = "page")),
  "a document without content": within("DocumentReference", (each) => delete each.content),
  "a document's status that is none": within("DocumentReference", (each) => (each.status = "final")),
  "a Device's name without type": within("Device", (each) => delete each.deviceName[0].type),
  "a subject that is a Device": ({ entry }) => {
    const device = entry.find(({ resource }) => resource.resourceType === "Device");
    const condition = entry.find(({ resource }) => resource.resourceType === "Condition");
    if (condition !== undefined) condition.resource.subject = { reference: device.fullUrl };
    return condition !== undefined;
  },
  "a reference to nothing": within(
    "Condition",
    (each) => (each.subject = { reference: "urn:uuid:00000000-0000-5000-8000-000000000000" }),
  ),
  "the same entry twice": ({ entry }) => entry.push(structuredClone(entry[0])) > 0,
  "a transaction without requests": (bundle) => {
    if (bundle.type === "transaction") delete bundle.entry[0].request;
    return bundle.type === "transaction";
  },
  "a request in a collection": (bundle) => {
    bundle.entry[0].request = { method: "PUT", url: "Patient/1" };
    return bundle.type === "collection";
  },
  "a type of bundle that is none": (bundle) => (bundle.type = "pages").length > 0,
};

/**
 * What HAPI does not find: R4's rule for durations (drt-1) says in words that there is a code of time, and tests less than that;
 * displays are not compared. fhir.test.ts holds our durations.
 */
export const unfindable = ["a duration without a code", "a duration in milligrams", "a code's display of another"];
