import { fileURLToPath } from "node:url";
import { Engine } from "medinfer";

const file = process.argv[2] ?? fileURLToPath(new URL("./referral.pdf", import.meta.url));

const engine = await Engine.load();
const rows = [{ document: file }, { document: file, pages: [2] }];
const results = engine.annotate(rows, {
  prompt: "Extract demografig, clinical disease and medication informations",
  sampling: { temperature: 0 },
});
for await (const { text, pages, error } of results) {
  if (error) console.log(error.code, error.message);
  else console.log(pages.map((page) => `${page.kind} page ${page.number}`).join(", "), text.trim());
}
await engine.close();
