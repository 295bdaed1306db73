// What the library itself answers: { rows: [{ id, image }], options, model } on stdin, a line of JSON for each row on stdout.
import { readFileSync } from "node:fs";

import { Engine } from "../../../dist/index.mjs";

const { rows, options, model } = JSON.parse(readFileSync(0, "utf8"));
const engine = await Engine.load(model);
for await (const { row, text, error } of engine.annotate(rows, options)) {
  process.stdout.write(`${JSON.stringify({ id: row.id, text, error: error?.code ?? null })}\n`);
}
await engine.close();
