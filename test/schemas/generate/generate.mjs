/**
 * Writes the corpus anew: `npm install` here, a Python with pydantic[email] of the version in package.json, then
 * `node generate.mjs PYTHON`. Not part of any test run: what it wrote is stored beside it.
 */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";

import { clinicalTypes } from "./clinical-types.mjs";
import { writeKinds } from "./write-kinds.mjs";
import { writeTypeBox } from "./write-typebox.mjs";
import { writeValibot } from "./write-valibot.mjs";
import { writeZod } from "./write-zod.mjs";

const here = import.meta.dirname;
const python = process.argv[2] ?? "python3";

const writers = { zod: writeZod, typebox: writeTypeBox, valibot: writeValibot };
const corpus = Object.fromEntries(
  Object.entries(writers).map(([library, write]) => [
    library,
    Object.fromEntries(Object.entries(clinicalTypes).map(([name, type]) => [name, write(type, name)])),
  ]),
);
const pydantic = execFileSync(python, [path.join(here, "write-pydantic.py")], {
  input: JSON.stringify(clinicalTypes),
  maxBuffer: 2 ** 26,
});
corpus.pydantic = JSON.parse(pydantic);
corpus.kinds = writeKinds();

for (const [library, schemas] of Object.entries(corpus)) {
  const lines = Object.entries(schemas).map(([name, schema]) => `${JSON.stringify(name)}: ${JSON.stringify(schema)}`);
  writeFileSync(path.join(here, "..", `${library}.json`), `{\n${lines.join(",\n")}\n}\n`);
}
