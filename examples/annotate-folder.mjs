import { readdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Engine } from "medinfer";

const folder = process.argv[2] ?? fileURLToPath(new URL("./prescriptions/", import.meta.url));

function* rows() {
  for (const name of readdirSync(folder).sort()) {
    if (/\.(png|jpe?g|gif|bmp)$/i.test(name)) yield { id: name, image: path.join(folder, name) };
  }
}

const engine = await Engine.load({ chatTemplate: "vicuna", batchSize: 4 });
const results = engine.annotate(rows(), {
  prompt: "Extract demografig, clinical disease and medication informations",
  sampling: { temperature: 0 },
});
for await (const { row, text, error } of results) {
  console.log(JSON.stringify({ id: row.id, ...(error ? { error: error.code } : { text: text.trim() }) }));
}
await engine.close();
