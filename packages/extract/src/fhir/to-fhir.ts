/** A page's values as FHIR R4. */
import type { Bundle, BundleEntry, Device, DocumentReference, FhirResource, Provenance, Reference } from "fhir/r4";
import * as v from "valibot";

import { ExtractError } from "../errors.js";
import type { DateOrder } from "../text-layer/dates.js";
import { toConditions } from "./conditions.js";
import { Context, type CodeTables, type Frame, type Made, type Unmapped } from "./context.js";
import { Fields } from "./fields.js";
import { checkMapping, type FhirMapping } from "./mapping.js";
import { toMedications } from "./medications.js";
import { toObservations } from "./observations.js";
import { toPatient } from "./patient.js";
import { toDevice, toDocument, toProvenance, type FhirModel, type FhirSource } from "./provenance.js";
import { uuidOf } from "./uuid.js";

export interface FhirOptions {
  /** `fields` of `evidenceOf`, or a part of them. */
  readonly fields: unknown;
  /** `answerMapping`, or one for a form of your own. */
  readonly mapping: FhirMapping;
  readonly model: FhirModel;
  readonly source: FhirSource;
  /**
   * When the page was read: an instant of ISO 8601 with its zone. The clock is not asked, so that bundles can be made again.
   */
  readonly recorded: string;
  /** Codes for texts. Default: none, and every concept is a text. */
  readonly codes?: CodeTables;
  /** UCUM codes for units as your pages spell them; they go before those that are known. */
  readonly units?: Record<string, string>;
  /** In which order your pages write day and month. Default: unknown, and `03/04/2026` is no day. */
  readonly dateOrder?: DateOrder;
  /** A patient that you know, e.g. `{ reference: "Patient/123" }`: no Patient is made of the page. */
  readonly subject?: Reference;
  /**
   * `"collection"`: facts to be looked at, with which a server has nothing to do. `"transaction"`: each resource is put under
   * its id, so that a page that is sent twice is there once; for servers that take ids of their clients. Default
   * `"collection"`, because nobody has looked at what a model read.
   */
  readonly type?: "collection" | "transaction";
}

export interface FhirResult {
  readonly bundle: Bundle;
  /** Values that are not in the bundle, or not as what they are. */
  readonly unmapped: readonly Unmapped[];
}

const given = v.object({
  model: v.object({ name: v.pipe(v.string(), v.nonEmpty()) }),
  source: v.object({
    sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/iu)),
    page: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))),
    contentType: v.pipe(v.string(), v.regex(/^[^\s/]+\/[^\s/]+$/u)),
  }),
  recorded: v.pipe(v.string(), v.regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/u)),
});

/**
 * Makes a bundle of a Patient, MedicationStatements, Conditions and Observations, which have the label AIAST and on each
 * element its confidence; of the page as a DocumentReference; and of a Provenance that names the model, a Device, as their
 * author. Codes are those of your tables. The same page and model give the same bundle: ids are UUIDs of version 5, made of the
 * file's hash, the page and the place in the answer.
 * @throws ExtractError `BAD_MAPPING`, `BAD_SOURCE`
 */
export function toFhir(options: FhirOptions): FhirResult {
  const mapping = checkMapping(options.mapping);
  checkGiven(options);
  const { model, source, recorded, type = "collection" } = options;
  const fields = new Fields(options.fields);
  const context = new Context(fields, options);
  const page = `${source.sha256.toLowerCase()} ${source.page ?? 1}`;
  const entry = (name: string, resource: FhirResource) => entryOf(uuidOf(name), resource, type);

  const patient = options.subject ? undefined : toPatient(mapping.patient, context);
  const who = patient && entry(`${page} patient`, patient);
  const subject = options.subject ?? (who ? refer(who) : { display: "The page names no patient" });
  const [root] = fields.items(undefined);
  const dated = fields.get(root!, mapping.date);
  const day = context.day(dated);
  const frame: Frame = { subject, ...(day !== undefined && { date: { day, field: dated! } }) };
  const made: Made<FhirResource>[] = [
    ...mapping.medications.flatMap((each) => toMedications(each, frame, context)),
    ...mapping.conditions.flatMap((each) => toConditions(each, frame, context)),
    ...mapping.observations.flatMap((each) => toObservations(each, frame, context)),
  ];
  // A mapping may ask for a place twice.
  const times = new Map<string, number>();
  const clinical = made.map(({ place, resource }) => {
    const name = `${page} ${resource.resourceType} ${place}`;
    const time = (times.get(name) ?? 0) + 1;
    times.set(name, time);
    return entry(time === 1 ? name : `${name} ${time}`, resource);
  });

  const device: Device = toDevice(model);
  const author = entry(JSON.stringify(["device", model.name, model.version, model.manufacturer]), device);
  const document: DocumentReference = toDocument(source, subject);
  const read = entry(`${page} document`, document);
  const targets = [...(who ? [who] : []), ...clinical];
  const provenance: Provenance | undefined =
    targets.length === 0 ? undefined : toProvenance(targets.map(refer), refer(author), refer(read), recorded);

  context.unmapped.push(...fields.notAsked().map((path) => ({ path, reason: "not in the mapping" as const })));
  const bundle: Bundle = {
    resourceType: "Bundle",
    id: uuidOf(`${page} bundle`),
    type,
    timestamp: recorded,
    entry: [...targets, read, author, ...(provenance ? [entry(`${page} provenance`, provenance)] : [])],
  };
  // A collection has a time; of a transaction only an answer has one.
  if (type === "transaction") delete bundle.timestamp;
  // A copy, in which no two places are the same object: who changes one changes no other.
  return { bundle: JSON.parse(JSON.stringify(bundle)) as Bundle, unmapped: context.unmapped };
}

function checkGiven(options: FhirOptions): void {
  const { success, issues } = v.safeParse(given, options);
  if (success) return;
  throw new ExtractError(
    "BAD_SOURCE",
    `${v.getDotPath(issues[0]) ?? "what is given"} has not its form: see FhirOptions`,
  );
}

function entryOf(id: string, resource: FhirResource, type: "collection" | "transaction"): BundleEntry {
  const { resourceType, ...rest } = resource;
  return {
    fullUrl: `urn:uuid:${id}`,
    resource: { resourceType, id, ...rest },
    ...(type === "transaction" && { request: { method: "PUT", url: `${resourceType}/${id}` } }),
  };
}

function refer({ fullUrl }: BundleEntry): Reference {
  return { reference: fullUrl! };
}
