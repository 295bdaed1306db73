import { Engine } from "medinfer";

const engine = await Engine.load();
const messages = [{ role: "user", content: "What is hypertension?" }];
const sampling = { temperature: 0.8, seed: 1 };

// Three answers, drawn independently.
const { choices } = await engine.chat({ messages, sampling, n: 3 }).result;
for (const { text } of choices) console.log("-", text.trim());

// Of five answers, the one that the model itself finds likeliest.
const { text, meanLogprob } = await engine.chat({ messages, sampling, bestOf: 5 }).result;
console.log(meanLogprob.toFixed(2), text.trim());
await engine.close();
