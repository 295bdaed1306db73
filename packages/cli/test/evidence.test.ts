/** Values with their evidence, in tables and in FHIR. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

import { beforeAll, describe, expect, it } from "vitest";

import { fromRoot } from "../../../test/support/paths.mjs";
import { running } from "./server.js";
import { run, temporaryFolder } from "./support.js";
import { scannedPdf } from "./support-documents.js";

const folder = temporaryFolder();
const png = (n: number) => fromRoot("examples", "prescriptions", `0000${n}.png`);
const pdf = path.join(folder, "scan.pdf");
writeFileSync(
  pdf,
  scannedPdf([
    { png: png(0), words: ["Greta Ferreira", "Pleurisy"] },
    { png: png(1), words: [] },
  ]),
);
const asked = [
  ...["--temperature", "0", "--n-threads", "1", "--prompt", "Return the prescription as JSON."],
  ...["--json-schema", fromRoot("models", "answer-schema.json"), "--evidence"],
];

interface Field {
  value: unknown;
  text: string;
  page: number;
  box?: { x: number; y: number; width: number; height: number };
  confidence: number;
  source: string;
}

interface Bundle {
  type: string;
  entry: { resource: { resourceType: string } }[];
}

const rowsOf = <T>(text: string): T[] =>
  text
    .split("\n")
    .slice(0, -1)
    .map((each) => JSON.parse(each) as T);

describe("in a table without a queue", () => {
  it("stands beside the plain values, with boxes where the page has text", async () => {
    const { status, stdout } = await run(["annotate", pdf, png(2), ...asked]);
    expect(status).toBe(0);
    const rows = rowsOf<{ page: number | null; parsed: Record<string, unknown>; fields: Record<string, Field> }>(
      stdout,
    );
    expect(rows.map(({ page }) => page)).toEqual([1, 2, null]);
    const { patient, age } = rows[0]!.fields;
    expect(patient).toMatchObject({ value: "Greta Ferreira", text: "Greta Ferreira", page: 1, source: "text-layer" });
    expect(patient!.box!.x).toBeCloseTo(20, 0);
    expect(patient!.confidence).toBeGreaterThan(0.9);
    expect(age).toMatchObject({ value: rows[0]!.parsed.age, source: "model" });
    expect(age).not.toHaveProperty("box");
    expect(rows[1]!.fields.patient).toMatchObject({ page: 2, source: "model" });
  });
});

describe("in a queue", () => {
  const { url } = running();
  const queue = `dir:${folder}/queue`;
  beforeAll(async () => {
    const { status, stderr } = await run(["annotate", pdf, ...asked, "--queue", queue, "--run", "scan"]);
    if (status !== 0) throw new Error(stderr);
  });

  it("is in the exported lines, calibrated for the embedded model", async () => {
    const out = path.join(folder, "tables");
    await run(["export", "scan", "--queue", queue, "--out", out, "--format", "jsonl,csv"]);
    const [first] = rowsOf<{ value: { calibrated: boolean; page: object; fields: Record<string, Field> } }>(
      readFileSync(path.join(out, "rows.jsonl"), "utf8"),
    );
    expect(first!.value).toMatchObject({ calibrated: true, page: { number: 1, pageCount: 2, kind: "pdf" } });
    expect(first!.value.fields.diagnosis).toMatchObject({ value: "Pleurisy", source: "text-layer" });
    // Neither tokens nor the page's text.
    expect(Object.keys(first!.value)).toEqual([
      "text",
      "parsed",
      "finishReason",
      "usage",
      "page",
      "fields",
      "calibrated",
    ]);
    expect(readFileSync(path.join(out, "rows.csv"), "utf8")).toContain("Greta Ferreira");
  });

  it("comes from a server's tokens, too", async () => {
    const out = `${path.join(folder, "remote")}/`;
    const args = ["annotate", pdf, ...asked.filter((each) => !["--n-threads", "1"].includes(each))];
    const { status } = await run([...args, "--url", url(), "--out", out]);
    expect(status).toBe(0);
    const [first] = rowsOf<{ value: { calibrated: boolean; fields: Record<string, Field> } }>(
      readFileSync(`${out}rows.jsonl`, "utf8"),
    );
    expect(first!.value.calibrated).toBe(false);
    expect(first!.value.fields.patient).toMatchObject({ value: "Greta Ferreira", source: "text-layer" });
  });

  it("becomes FHIR with the user's codes; stderr has numbers alone", async () => {
    const out = path.join(folder, "fhir");
    const codes = path.join(folder, "conditions.csv");
    writeFileSync(codes, "text,system,code\nPleurisy,http://hl7.org/fhir/sid/icd-10-cm,R09.1\n");
    const mapping = path.join(folder, "mapping.json");
    writeFileSync(mapping, JSON.stringify({ patient: { name: "patient" }, conditions: [{ name: "diagnosis" }] }));
    const args = ["export", "scan", "--queue", queue, "--format", "fhir", "--out", out, "--codes-conditions", codes];
    const { status, stderr } = await run([...args, "--bundle", "transaction", "--mapping", mapping]);
    expect(status).toBe(0);
    expect(stderr).toMatch(/medinfer: 2 bundles; of their values not as what they are: \d+ not in the mapping\n$/);
    for (const secret of ["Greta", "Pleurisy", folder]) expect(stderr).not.toContain(secret);
    const text = readFileSync(path.join(out, "bundles.ndjson"), "utf8");
    const [bundle] = rowsOf<Bundle>(text);
    expect(bundle!.type).toBe("transaction");
    const condition = bundle!.entry.map(({ resource }) => resource).find((each) => each.resourceType === "Condition");
    expect(condition).toMatchObject({ code: { text: "Pleurisy", coding: [{ code: "R09.1" }] } });
    expect(text).not.toContain(folder);
    expect(text).toContain('"name":"medinfer-tiny"');
    // The same run gives the same bundles.
    await run([...args, "--bundle", "transaction", "--mapping", mapping]);
    expect(readFileSync(path.join(out, "bundles.ndjson"), "utf8")).toBe(text);
    const counted = await run([...args, "--json"]);
    expect(JSON.parse(counted.stdout)).toMatchObject({ done: 2, fhir: { bundles: 2, unmapped: {} } });
  });

  it("is needed for FHIR", async () => {
    const plain = path.join(folder, "plain");
    mkdirSync(plain);
    const without = asked.filter((each) => each !== "--evidence");
    await run(["annotate", png(0), ...without, "--queue", queue, "--run", "plain"]);
    const { status, stderr } = await run(["export", "plain", "--queue", queue, "--format", "fhir", "--out", plain]);
    expect(status).toBe(1);
    expect(stderr).toContain("ask with annotate --evidence");
  });
});
