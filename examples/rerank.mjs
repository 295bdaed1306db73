import { Engine } from "medinfer";

// node rerank.mjs FILE: a reranker, such as bge-reranker-v2-m3 or Qwen3-Reranker.
const engine = await Engine.load({ model: process.argv[2], task: "rerank" });
const documents = [
  "Take one tablet of 500 mg three times a day.",
  "The ward is closed on Sundays.",
  "A dose of paracetamol is 500 to 1000 mg.",
];
const { results } = await engine.rerank("What is the dose of paracetamol?", documents, { topN: 2 });
for (const { index, score } of results) console.log(score.toFixed(3), documents[index]);
await engine.close();
