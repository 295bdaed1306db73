import path from "node:path";
import { exportRun, status } from "@medinfer/batch";
import { Option, type Command } from "commander";
import {
  exportTables,
  formatOption,
  makeFolder,
  refuseTable,
  tableFormats,
  type TableFormat,
} from "../batch/export-files.js";
import { fhirSink, type FhirCounts, type FhirFlags } from "../batch/fhir-file.js";
import { reportOf } from "../batch/report.js";
import { oneRun } from "../batch/run-name.js";
import { tell } from "../complaint.js";
import { addQueueFlag, withQueue } from "../flags/queue-flags.js";
import { printJson } from "../output.js";

const formats = [...tableFormats, "fhir"] as const;

interface ExportCommandOptions extends FhirFlags {
  format: readonly (typeof formats)[number][];
  out?: string;
  json?: true;
}

const examples = `
FOLDER gets rows.jsonl, rows.csv and rows.parquet, failed.jsonl with what failed or has no result yet, and bundles.ndjson: FHIR R4,
a bundle for each page. A run may be under way. FHIR needs a run with --evidence; codes are those of your tables, which have the
columns text,system,code,display.

Examples:
  medinfer export --queue dir:results/.medinfer --format csv,parquet --out tables/
  medinfer export --queue postgres://medinfer@db/medinfer 3f1a5b7c9d0e2f46 --format fhir --codes-conditions icd.csv --out fhir/`;

/** `medinfer export` */
export function addExport(program: Command): void {
  const command = program
    .command("export")
    .description("write a run's results to files: JSON lines, CSV, Parquet, FHIR")
    .argument("[run]", "its name; may be left out where the queue has one")
    .option("--out <folder>", "where the files go; it is made where it is missing")
    .addOption(formatOption(formats, ["jsonl"]))
    .option("--json", "print what was written as JSON");
  const fhir = [
    new Option("--mapping <file>", "which values become what, as JSON; default: that of models/answer-schema.json"),
    new Option("--codes-medications <file>", "a CSV table of codes"),
    new Option("--codes-conditions <file>", "the same of conditions"),
    new Option("--codes-observations <file>", "the same of names of observations"),
    new Option("--codes-concepts <file>", "the same of values that are concepts, such as symptoms"),
    new Option("--date-order <order>", "how pages write days; default: 03/04/2026 is none").choices(["dmy", "mdy"]),
    new Option("--bundle <type>", "collection: to be looked at; transaction: a server stores it")
      .choices(["collection", "transaction"])
      .default("collection"),
  ];
  for (const each of fhir) command.addOption(each.helpGroup("FHIR:"));
  addQueueFlag(command).addHelpText("after", examples).action(run);
}

async function run(name: string | undefined, options: ExportCommandOptions, command: Command): Promise<void> {
  const { out, format, json } = options;
  if (out === undefined) return command.error("--out is needed: the folder that files go to");
  const isTable = (each: (typeof formats)[number]): each is TableFormat => each !== "fhir";
  const isOfFhir = (flag: string) => command.getOptionValueSource(flag) === "cli";
  const useless = ["mapping", "codesMedications", "codesConditions", "codesObservations", "codesConcepts"].find(
    isOfFhir,
  );
  if (useless !== undefined && format.every(isTable)) command.error("flags of FHIR need --format fhir");
  await withQueue(command, async (queue) => {
    const found = await oneRun(queue, name);
    const counts: FhirCounts = { bundles: 0, unmapped: {} };
    const bundles = path.join(out, "bundles.ndjson");
    const fhir = format.includes("fhir") ? await fhirSink(bundles, found, options, counts) : undefined;
    await makeFolder(out);
    await refuseTable(path.join(out, "rows.jsonl"));
    await exportTables(queue, found, out, format.filter(isTable));
    if (fhir !== undefined) await exportRun(queue, found.id, fhir);
    const [now] = await status(queue, found.id);
    if (json) return printJson({ ...now, ...(fhir === undefined ? {} : { fhir: counts }) });
    tell(`run ${found.id}: ${reportOf(now!)}`);
    if (fhir !== undefined) tell(describe(counts));
  });
}

function describe({ bundles, unmapped }: FhirCounts): string {
  const reasons = Object.entries(unmapped).map(([reason, count]) => `${count} ${reason}`);
  const left =
    reasons.length === 0 ? "every value is in one as what it is" : `not as what they are: ${reasons.join(", ")}`;
  return `${bundles} bundles; of their values ${left}`;
}
