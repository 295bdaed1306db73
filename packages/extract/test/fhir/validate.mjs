// Validates bundles of real extractions with HAPI, and sees that it finds errors that are put into them:
//   node packages/extract/test/fhir/validate.mjs [--pages 30] [--seed 41]
// Needs Java 17 and Maven, which fetches HAPI on first use, and for models/generate.py a Python with NumPy and Pillow
// (MEDINFER_PYTHON names one) and its typefaces. Not part of CI.
import { createHash } from "node:crypto";
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";

import { answerMapping, CodeTable, embeddedCalibration, evidenceOf, toFhir } from "@medinfer/extract";
import { Engine } from "medinfer";

import { fromRoot } from "../../../../test/support/paths.mjs";
import { knownUcumCodes } from "../../dist/fhir/units.js";
import { injections, unfindable } from "./injections.mjs";

const { values: chosen } = parseArgs({
  options: { pages: { type: "string", default: "30" }, seed: { type: "string", default: "41" } },
});
const here = import.meta.dirname;
const out = fromRoot("out", "fhir");
const folder = (name) => {
  const made = path.join(out, name);
  rmSync(made, { recursive: true, force: true });
  mkdirSync(made, { recursive: true });
  return made;
};

/** Runs a program to its end. */
function runOrThrow(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8", maxBuffer: 1 << 28 });
  if (status !== 0) throw error ?? new Error(`${command} failed:\n${stdout}${stderr}`);
  return stdout;
}

/** A user's tables: for some of what the pages may have. */
const codes = {
  conditions: CodeTable.fromCsv(readFileSync(path.join(here, "conditions.csv"), "utf8")),
  observations: CodeTable.fromCsv(readFileSync(path.join(here, "observations.csv"), "utf8")),
};

/** A bundle for each page, by file name: collections and transactions by turns. */
async function extract(pages) {
  const jsonSchema = JSON.parse(readFileSync(fromRoot("models", "answer-schema.json"), "utf8"));
  const engine = await Engine.load();
  const rows = readdirSync(pages)
    .filter((name) => name.endsWith(".png"))
    .map((name) => ({ id: name, image: path.join(pages, name) }));
  const bundles = {};
  const prompt = "Extract demografig, clinical disease and medication informations as JSON";
  const options = { prompt, jsonSchema, nProbs: 1, nPredict: 512, sampling: { temperature: 0 }, onError: "throw" };
  for await (const { row, text, logprobs } of engine.annotate(rows, options)) {
    const { fields } = evidenceOf({ text, logprobs, calibration: embeddedCalibration });
    const { bundle } = toFhir({
      fields,
      mapping: answerMapping,
      codes,
      model: { name: "medinfer-tiny", version: "0.1.0", manufacturer: "medinfer" },
      source: {
        sha256: createHash("sha256").update(readFileSync(row.image)).digest("hex"),
        page: 1,
        contentType: "image/png",
        title: row.id,
      },
      recorded: "2026-11-30T10:00:00Z",
      dateOrder: Number.parseInt(row.id) % 2 === 0 ? "dmy" : undefined,
      type: Number.parseInt(row.id) % 3 === 0 ? "transaction" : "collection",
    });
    bundles[row.id.replace(".png", "")] = bundle;
  }
  await engine.close();
  return bundles;
}

/** Runs HAPI: what it found in each bundle, by name. */
function validate(bundles, into) {
  const classpath = path.join(out, "classpath.txt");
  runOrThrow("mvn", [
    "-q",
    "-B",
    "-f",
    path.join(here, "pom.xml"),
    "dependency:build-classpath",
    `-Dmdep.outputFile=${classpath}`,
  ]);
  const files = Object.entries(bundles).map(([name, bundle]) => {
    const file = path.join(into, `${name}.json`);
    writeFileSync(file, JSON.stringify(bundle, null, 2));
    return file;
  });
  const args = [
    "-cp",
    readFileSync(classpath, "utf8"),
    path.join(here, "Validate.java"),
    path.join(here, "definitions"),
  ];
  const stdout = runOrThrow("java", [...args, ...files]);
  const found = Object.fromEntries(Object.keys(bundles).map((name) => [name, []]));
  for (const line of stdout.split("\n").filter((each) => each !== "")) {
    const [file, severity, place, message] = line.split("\t");
    found[path.basename(file, ".json")].push({ severity, place, message });
  }
  return found;
}

/** Warnings that are no faults of a bundle: narratives, what a page does not say, and codes whose systems HAPI has not. */
const expected = [
  /^Constraint failed: dom-6: /,
  /^Best Practice Recommendation: In general, all observations should have /,
  /^CodeSystem is unknown and can't be validated: /,
  // mL/min/{1.73_m2}, as LOINC has it for filtration rates.
  /^UCUM Codes that contain human readable annotations like \{1\.73_m2\} /,
  // R4's list of labels is older than the code; its binding takes others.
  /^The Coding provided \(\S+#AIAST\) was not found in the value set 'SecurityLabels'/,
];
const isFault = ({ severity, message }) =>
  severity === "error" ||
  severity === "fatal" ||
  (severity === "warning" && !expected.some((pattern) => pattern.test(message)));

const pages = folder("pages");
const python = process.env.MEDINFER_PYTHON ?? "python3";
const drawn = ["--count", chosen.pages, "--seed", chosen.seed, "--out", pages];
runOrThrow(python, [fromRoot("models", "generate.py"), ...drawn]);
const bundles = await extract(pages);
// Every unit that is given a code, so that each is one of UCUM.
bundles.units = {
  resourceType: "Bundle",
  type: "collection",
  entry: knownUcumCodes.map((code, i) => ({
    fullUrl: `urn:uuid:00000000-0000-5000-8000-${String(i).padStart(12, "0")}`,
    resource: {
      resourceType: "Observation",
      status: "unknown",
      code: { text: "x" },
      valueQuantity: { value: 1, unit: code, system: "http://unitsofmeasure.org", code },
    },
  })),
};
const found = validate(bundles, folder("bundles"));
delete bundles.units;
const counts = {};
for (const { resource } of Object.values(bundles).flatMap(({ entry }) => entry)) {
  counts[resource.resourceType] = (counts[resource.resourceType] ?? 0) + 1;
}
const faults = Object.entries(found).flatMap(([name, all]) => all.filter(isFault).map((each) => ({ name, ...each })));
const warnings = {};
for (const { severity, message } of Object.values(found).flat()) {
  // Without ids, of which each is another.
  const kind = message.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "…").slice(0, 120);
  if (severity === "warning") warnings[kind] = (warnings[kind] ?? 0) + 1;
}
console.log(JSON.stringify({ bundles: Object.keys(bundles).length, resources: counts, faults, warnings }, null, 2));

const fileName = (name) => name.replaceAll(/\W+/g, "-");
// Each error goes into the first bundle that has a place for it.
const wrong = {};
for (const [name, inject] of Object.entries(injections)) {
  const bundle = Object.values(bundles)
    .map((each) => structuredClone(each))
    .find(inject);
  if (bundle === undefined) throw new Error(`no page has a place for "${name}": draw more`);
  wrong[fileName(name)] = bundle;
}
const caught = validate(wrong, folder("injected"));
const missed = Object.keys(wrong).filter((name) => !caught[name].some(isFault));
for (const [name, all] of Object.entries(caught)) {
  console.error(`${name}: ${all.find(isFault)?.message.slice(0, 140) ?? "not found"}`);
}
const unexpected = missed.filter((name) => !unfindable.map(fileName).includes(name));
console.log(JSON.stringify({ injected: Object.keys(wrong).length, missed, unexpected }));
if (faults.length > 0 || unexpected.length > 0) process.exitCode = 1;
