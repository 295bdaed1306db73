import { Engine } from "medinfer";

const engine = await Engine.load(); // the tiny model inside the package
const { text, usage } = await engine.chat({
  messages: [{ role: "user", content: "What is hypertension?" }],
}).result;
console.log(text.trim());
console.log(`${usage.completionTokens} tokens`);
await engine.close();
