import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Engine } from "medinfer";

const folder = process.argv[2] ?? fileURLToPath(new URL("./prescriptions/", import.meta.url));
const jsonSchema = JSON.parse(readFileSync(new URL("../models/answer-schema.json", import.meta.url), "utf8"));

const engine = await Engine.load();
const rows = readdirSync(folder).filter((name) => name.endsWith(".png"));
const results = engine.annotate(
  rows.map((name) => ({ id: name, image: path.join(folder, name) })),
  {
    prompt: "Extract demografig, clinical disease and medication informations as JSON",
    jsonSchema,
    sampling: { temperature: 0 },
  },
);
for await (const { row, parsed, error } of results) {
  console.log(row.id, error ? error.code : JSON.stringify(parsed));
}
await engine.close();
