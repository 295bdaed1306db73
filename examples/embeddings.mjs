import { Engine } from "medinfer";

// Here the tiny model inside the package; a real embedding model's file says itself how it pools.
const engine = await Engine.load({ task: "embed", pooling: "mean" });
const texts = ["Patient has a fever.", "The patient is feverish.", "Take one tablet daily."];
const { embeddings, dimensions, usage } = await engine.embed(texts);
console.log(`${embeddings.length} rows of ${dimensions} floats, ${usage.promptTokens} tokens`);

// Rows have the length 1, so that a dot product is the cosine.
const cosine = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);
console.log(cosine(embeddings[0], embeddings[1]) > cosine(embeddings[0], embeddings[2]));

// As many texts as there are, read as fast as the rows are taken.
function* pages() {
  for (let page = 1; page <= 500; page++) yield `Page ${page} of the patient's record.`;
}
let rows = 0;
for await (const { embedding } of engine.embedStream(pages())) rows += embedding.length > 0 ? 1 : 0;
console.log(`${rows} pages`);
await engine.close();
