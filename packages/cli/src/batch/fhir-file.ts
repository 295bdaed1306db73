import { writeFiles, type ResultRow, type Run, type Sink } from "@medinfer/batch";
import {
  answerMapping,
  CodeTable,
  toFhir,
  type CodeTables,
  type DateOrder,
  type FhirMapping,
  type FhirModel,
  type Unmapped,
} from "@medinfer/extract";
import { MedInferError } from "medinfer";
import { readJson, readText } from "../input.js";
import type { RowValue } from "./row-value.js";

/** How `medinfer export --format fhir` makes bundles. */
export interface FhirFlags {
  mapping?: string;
  codesMedications?: string;
  codesConditions?: string;
  codesObservations?: string;
  codesConcepts?: string;
  dateOrder?: DateOrder;
  bundle: "collection" | "transaction";
}

/** What became of a run's rows in FHIR: numbers alone, no value. */
export interface FhirCounts {
  bundles: number;
  /** Values that are not in a bundle as what they are, by the reason. */
  unmapped: Partial<Record<Unmapped["reason"], number>>;
}

const mediaTypes: Readonly<Record<NonNullable<RowValue["page"]>["kind"], string>> = {
  pdf: "application/pdf",
  dicom: "application/dicom",
  tiff: "image/tiff",
  heic: "image/heic",
  avif: "image/avif",
  webp: "image/webp",
  bmp: "image/bmp",
  jpeg: "image/jpeg",
  png: "image/png",
  gif: "image/gif",
};

/**
 * A bundle for each row that is done, one a line: the rows' documents are named by their digest, and nothing of a path is in it.
 *
 * @param counts is filled while the sink runs
 * @throws MedInferError (rejects) `INVALID_ARGUMENT` where the run has no evidence, ExtractError `BAD_MAPPING`, `BAD_CODES`
 */
export async function fhirSink(file: string, run: Run, flags: FhirFlags, counts: FhirCounts): Promise<Sink> {
  if (run.ask.options?.nProbs === undefined) {
    const what = "FHIR needs the confidence of each value, and the run did not ask for it";
    throw new MedInferError("INVALID_ARGUMENT", `${what}: ask with annotate --evidence`);
  }
  const options = {
    mapping: flags.mapping === undefined ? answerMapping : ((await readJson(flags.mapping)) as FhirMapping),
    codes: await codeTables(flags),
    model: modelOf(run),
    type: flags.bundle,
    ...(flags.dateOrder === undefined ? {} : { dateOrder: flags.dateOrder }),
  };
  return (rows) =>
    writeFiles([file], async ([bundles]) => {
      for await (const row of rows) {
        if (row.state !== "done") continue;
        const { bundle, unmapped } = toFhir({ ...options, ...sourceOf(row) });
        await bundles!.write(`${JSON.stringify(bundle)}\n`);
        counts.bundles += 1;
        for (const { reason } of unmapped) counts.unmapped[reason] = (counts.unmapped[reason] ?? 0) + 1;
      }
    });
}

function sourceOf({ value, sha256, sources: [source], ended }: ResultRow) {
  const { fields, page } = value as RowValue;
  const contentType = page === null ? "application/octet-stream" : mediaTypes[page.kind];
  return { fields, source: { sha256: sha256!, page: source?.page ?? 1, contentType }, recorded: ended! };
}

/** A model's file is named with a digest of it behind: that is its version. */
function modelOf({ ask: { model = "unknown" } }: Run): FhirModel {
  const [, name, version] = /^(.+)@([0-9a-f]+)$/.exec(model) ?? [];
  return name === undefined ? { name: model } : { name, version: version! };
}

async function codeTables(flags: FhirFlags): Promise<CodeTables> {
  const files = {
    medications: flags.codesMedications,
    conditions: flags.codesConditions,
    observations: flags.codesObservations,
    concepts: flags.codesConcepts,
  };
  const given = Object.entries(files).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const tables = given.map(async ([name, file]) => [name, CodeTable.fromCsv(await readText(file))] as const);
  return Object.fromEntries(await Promise.all(tables));
}
