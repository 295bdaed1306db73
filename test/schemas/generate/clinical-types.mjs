/**
 * 60 types as clinics have them, in a form that knows no schema library: what each of them is written in zod, typebox,
 * valibot and pydantic from.
 */
const of = (kind, more = {}) => ({ kind, ...more });

export const text = (max, min) => of("text", { min, max });
export const email = () => of("email");
export const url = () => of("url");
export const uuid = () => of("uuid");
export const date = () => of("date");
export const time = () => of("time");
export const dateTime = () => of("dateTime");
export const duration = () => of("duration");
export const ipv4 = () => of("ipv4");
export const base64 = () => of("base64");
export const pattern = (source, more = {}) => of("pattern", { pattern: source, ...more });
export const integer = (min, max, step) => of("integer", { min, max, step });
export const number = (min, max, more = {}) => of("number", { min, max, ...more });
export const above = (bound, max) => of("number", { above: bound, max });
export const flag = () => of("flag");
export const oneOf = (...values) => of("enum", { values });
export const literal = (value) => of("literal", { value });
export const list = (item, max, min) => of("list", { item, min, max });
export const set = (...values) => of("set", { values });
export const tuple = (...items) => of("tuple", { items });
export const map = (value, keys) => of("map", { value, keys });
export const record = (keys, value) => of("record", { keys, value });
export const object = (fields, more = {}) => of("object", { fields, ...more });
export const optional = (inner) => ({ ...inner, optional: true });
export const nullable = (inner) => of("nullable", { inner });
export const withDefault = (inner, value) => of("default", { inner, value });
export const union = (...options) => of("union", { options });
export const variant = (key, ...options) => of("variant", { key, options });
export const both = (...parts) => of("both", { parts });
export const self = () => of("self");
export const described = (inner, description) => ({ ...inner, description });

const icd10 = () => pattern("^[A-TV-Z][0-9][0-9AB](\\.[0-9A-TV-Z]{1,4})?$");
const loinc = () => pattern("^\\d{1,5}-\\d$");
const atc = () => pattern("^[A-Z]\\d{2}[A-Z]{2}\\d{2}$");
const snomed = () => pattern("^[1-9]\\d{5,17}$");
const phone = () => pattern("^\\+[1-9]\\d{6,14}$");
const sex = () => oneOf("female", "male", "other", "unknown");
const quantity = (units, min, max) => object({ value: number(min, max), unit: oneOf(...units) });
const coded = (code) => object({ code, display: optional(text(40, 1)) });
const period = () => object({ start: date(), end: optional(date()) });
const person = () => object({ name: text(30, 1), role: oneOf("nurse", "physician", "therapist", "relative") });

export const clinicalTypes = {
  patient: object({
    id: uuid(),
    family: text(30, 1),
    given: list(text(20, 1), 3, 1),
    sex: sex(),
    born: date(),
    deceased: nullable(dateTime()),
    contact: optional(object({ phone: optional(phone()), email: optional(email()) })),
  }),
  humanName: object({
    use: oneOf("official", "usual", "maiden"),
    family: text(30),
    given: list(text(20), 4),
    prefix: optional(text(10)),
  }),
  address: object({
    lines: list(text(40, 1), 2, 1),
    city: text(30, 1),
    postalCode: pattern("^[A-Z0-9][A-Z0-9 -]{1,8}[A-Z0-9]$"),
    country: pattern("^[A-Z]{2}$"),
  }),
  contactPoint: variant(
    "system",
    object({ system: literal("phone"), value: phone() }),
    object({ system: literal("email"), value: email() }),
    object({ system: literal("url"), value: url() }),
  ),
  encounter: object({
    status: oneOf("planned", "in-progress", "finished", "cancelled"),
    class: oneOf("AMB", "IMP", "EMER"),
    start: dateTime(),
    end: optional(dateTime()),
    reason: list(icd10(), 3),
    length: optional(duration()),
  }),
  medicationStatement: object({
    medication: coded(atc()),
    status: oneOf("active", "completed", "stopped", "on-hold"),
    dosage: object({
      dose: quantity(["mg", "g", "ml", "IU"], 0, 5000),
      route: oneOf("oral", "iv", "sc", "im"),
      timesPerDay: integer(1, 12),
    }),
    since: optional(date()),
    note: nullable(text(80)),
  }),
  medicationRequest: object({
    atc: atc(),
    quantity: integer(1, 500),
    refills: withDefault(integer(0, 12), 0),
    substitution: withDefault(flag(), true),
    validUntil: date(),
  }),
  dosage: object({
    dose: above(0, 10000),
    unit: oneOf("mg", "µg", "ml", "IE", "Tbl."),
    schedule: tuple(integer(0, 9), integer(0, 9), integer(0, 9), integer(0, 9)),
  }),
  labResult: object({
    loinc: loinc(),
    value: number(),
    unit: text(12, 1),
    low: nullable(number()),
    high: nullable(number()),
    flag: nullable(oneOf("L", "H", "LL", "HH")),
    at: dateTime(),
  }),
  vitalSign: object({
    kind: oneOf("pulse", "temperature", "respiration", "spo2"),
    value: number(0, 300),
    unit: text(8),
    taken: time(),
  }),
  bloodPressure: object({
    systolic: integer(40, 300),
    diastolic: integer(20, 200),
    arm: optional(oneOf("left", "right")),
    position: optional(oneOf("sitting", "lying", "standing")),
  }),
  allergy: object({
    substance: text(40, 1),
    criticality: oneOf("low", "high", "unable-to-assess"),
    reactions: set("rash", "anaphylaxis", "nausea", "dyspnoea", "angioedema"),
    verified: flag(),
  }),
  condition: object({
    icd10: icd10(),
    snomed: optional(snomed()),
    onset: union(date(), integer(0, 120), text(20)),
    resolved: nullable(date()),
  }),
  procedure: object({
    ops: pattern("^[1-9]-[0-9]{3}(\\.[0-9a-z]{1,2})?$"),
    performed: period(),
    performers: list(person(), 3),
  }),
  immunization: object({
    vaccine: oneOf("MMR", "Tdap", "HPV", "COVID-19", "influenza"),
    dose: integer(1, 5),
    lot: pattern("^[A-Z0-9]{4,10}$"),
    given: date(),
  }),
  careTeam: object({ members: list(person(), 5, 1), period: period() }),
  carePlan: object({
    title: text(60, 3),
    intent: literal("plan"),
    activities: list(object({ what: text(40), done: withDefault(flag(), false) }), 4),
  }),
  goal: object({
    target: described(text(60), "what is to be reached"),
    due: date(),
    progress: number(0, 100, { step: 0.5 }),
  }),
  observationPanel: object({
    code: loinc(),
    components: list(object({ code: loinc(), value: union(number(), text(20), flag()) }), 5, 1),
  }),
  imagingStudy: object({
    uid: pattern("^[0-2](\\.(0|[1-9][0-9]{0,8})){3,8}$"),
    modality: oneOf("CT", "MR", "US", "CR", "DX", "PT", "NM"),
    series: integer(1, 40),
    instances: integer(1, 10000),
    started: dateTime(),
  }),
  radiologyReport: object({
    findings: text(200),
    impression: text(120, 1),
    birads: nullable(integer(0, 6)),
    critical: flag(),
  }),
  pathologyReport: object({
    tnm: pattern("^p?T[0-4x]N[0-3x]M[01x]$"),
    grade: oneOf("G1", "G2", "G3", "G4"),
    margins: oneOf("R0", "R1", "R2"),
    ki67: optional(integer(0, 100)),
  }),
  ecg: object({
    rate: integer(20, 300),
    rhythm: text(30, 1),
    intervals: object({ pq: integer(50, 400), qrs: integer(40, 250), qt: integer(200, 700) }),
    axis: integer(-180, 180),
  }),
  spirometry: object({ fev1: above(0, 9), fvc: above(0, 9), ratio: number(0, 1), reversible: nullable(flag()) }),
  glucoseLog: list(object({ at: dateTime(), value: number(1, 40), fasting: optional(flag()) }), 4, 1),
  insulinDose: object({ units: number(0, 100, { step: 0.25 }), kind: oneOf("basal", "bolus"), time: time() }),
  anesthesiaRecord: object(
    {
      asa: oneOf("I", "II", "III", "IV", "V", "VI"),
      airway: oneOf("mask", "LMA", "tube"),
      drugs: map(number(0, 1000)),
    },
    { open: false },
  ),
  surgeryNote: object({
    incision: time(),
    closure: time(),
    bloodLoss: integer(0, 20000),
    counts: record(["swabs", "needles", "instruments"], integer(0, 99)),
  }),
  dischargeSummary: object({
    diagnoses: list(coded(icd10()), 4, 1),
    medications: list(object({ name: text(30, 1), dose: text(20) }), 4),
    followUp: nullable(object({ with: text(30), within: duration() })),
    text: text(2500),
  }),
  admission: object({
    mrn: pattern("^[0-9]{8}$"),
    ward: pattern("^[A-Z][0-9]{1,2}[a-z]?$"),
    bed: integer(1, 60),
    isolation: set("contact", "droplet", "airborne"),
  }),
  triage: object({
    esi: integer(1, 5),
    complaint: text(60, 2),
    pain: nullable(integer(0, 10)),
    arrived: dateTime(),
    walkIn: flag(),
  }),
  referral: object({
    to: text(40, 1),
    urgency: oneOf("routine", "urgent", "stat"),
    question: text(150, 5),
    attachments: list(url(), 2),
  }),
  appointment: object({
    start: dateTime(),
    minutes: integer(5, 480, 5),
    room: optional(text(10)),
    remote: withDefault(flag(), false),
    link: optional(url()),
  }),
  consent: object({
    given: flag(),
    scope: list(oneOf("treatment", "research", "teaching"), 3),
    signature: base64(),
    witness: optional(email()),
  }),
  insurance: object({
    number: pattern("^[A-Z][0-9]{9}$"),
    payer: text(40, 1),
    valid: period(),
    copay: number(0, 10000, { step: 0.5 }),
  }),
  practitioner: object({
    npi: pattern("^[12][0-9]{9}$"),
    name: text(40, 1),
    email: email(),
    specialties: list(text(30, 1), 3),
    site: optional(url()),
  }),
  organization: object({ name: text(50, 1), site: url(), phone: phone(), gln: pattern("^\\d{13}$") }),
  location: object({
    building: text(20),
    floor: integer(-3, 40),
    position: optional(tuple(number(-90, 90), number(-180, 180))),
  }),
  device: object({
    udi: pattern("^\\(01\\)\\d{14}(\\(17\\)\\d{6})?$"),
    host: ipv4(),
    firmware: pattern("^\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}$"),
    serial: text(20, 4),
  }),
  specimen: object({
    barcode: pattern("^S-[0-9A-F]{8}$"),
    type: oneOf("blood", "urine", "tissue", "swab"),
    volume: optional(above(0, 500)),
    collected: dateTime(),
  }),
  microbiology: object({
    organism: text(40, 3),
    resistances: map(oneOf("S", "I", "R"), "^[A-Z]{3}$"),
    gram: nullable(oneOf("+", "-")),
  }),
  bloodGas: object({
    pH: number(6.8, 7.8),
    pCO2: number(10, 120),
    pO2: number(20, 600),
    lactate: number(0, 30),
    be: number(-30, 30),
  }),
  familyHistory: object({
    relation: oneOf("mother", "father", "sibling", "child"),
    conditions: list(object({ icd10: icd10(), age: nullable(integer(0, 110)) }), 3),
  }),
  socialHistory: object({
    smoking: variant(
      "status",
      object({ status: literal("never") }),
      object({ status: literal("former"), stopped: date() }),
      object({ status: literal("current"), packYears: number(0, 200) }),
    ),
    alcohol: integer(0, 100),
  }),
  riskScore: object({
    name: oneOf("CHA2DS2-VASc", "HAS-BLED", "GRACE"),
    points: integer(0, 400),
    items: record(["age", "sex", "stroke", "diabetes"], integer(0, 3)),
  }),
  fallRisk: object({ morse: integer(0, 125, 5), aids: set("none", "cane", "walker"), measures: list(text(30), 3) }),
  painScore: object({
    scale: literal("NRS"),
    now: integer(0, 10),
    worst: integer(0, 10),
    site: union(oneOf("head", "back", "chest"), text(20, 1)),
  }),
  glasgowComa: object({ eyes: integer(1, 4), verbal: integer(1, 5), motor: integer(1, 6) }),
  apgar: object({ at1: integer(0, 10), at5: integer(0, 10), at10: optional(integer(0, 10)) }),
  pregnancy: object({
    gravida: integer(0, 20),
    para: integer(0, 20),
    due: date(),
    weeks: number(0, 44, { step: 0.5 }),
    risks: list(text(25, 1), 3),
  }),
  newborn: object({ weight: integer(300, 7000), length: number(20, 65, { step: 0.5 }), sex: sex(), born: dateTime() }),
  growth: list(object({ months: integer(0, 240), cm: above(30, 220), kg: above(0.3, 200) }), 4),
  nutrition: object({
    kcal: integer(0, 6000),
    route: oneOf("oral", "enteral", "parenteral"),
    macros: record(["protein", "fat", "carbohydrate"], number(0, 1000)),
  }),
  wound: object({
    size: tuple(number(0, 100), number(0, 100), number(0, 50)),
    stage: nullable(oneOf(1, 2, 3, 4)),
    exudate: oneOf("none", "low", "moderate", "high"),
  }),
  dialysis: object({
    start: time(),
    end: time(),
    ultrafiltration: integer(0, 8000),
    access: oneOf("fistula", "graft", "catheter"),
    ktv: number(0, 3),
  }),
  chemotherapy: object({
    regimen: text(20, 2),
    cycle: integer(1, 30),
    drugs: list(object({ atc: atc(), dose: above(0, 10000), day: integer(1, 28) }), 3, 1),
  }),
  radiationDose: object({
    total: above(0, 100),
    fractions: integer(1, 50),
    technique: oneOf("3D", "IMRT", "VMAT", "SBRT"),
  }),
  deathCertificate: object({
    at: dateTime(),
    causes: list(object({ line: oneOf("Ia", "Ib", "Ic", "II"), icd10: icd10() }), 4, 1),
    autopsy: nullable(flag()),
  }),
  clinicalTrial: both(
    object({ nct: pattern("^NCT[0-9]{8}$"), title: text(60, 1) }),
    object({ arm: oneOf("A", "B"), enrolled: integer() }),
  ),
  questionnaire: object({
    linkId: pattern("^[0-9]+(\\.[0-9]+)*$", { max: 12 }),
    text: optional(text(30)),
    answer: union(flag(), integer(-5, 5), text(15)),
    items: list(self(), 2),
  }),
};
