import { Engine } from "medinfer";

const engine = await Engine.load();
const request = { messages: [{ role: "user", content: "Hello" }], sampling: { temperature: 0 } };

// At least 40 tokens, and then as many as the model likes.
const long = await engine.chat({ ...request, minTokens: 40, nPredict: 200 }).result;
console.log(long.usage.completionTokens >= 40);

// A token that ends the answer, here that of a full stop behind a word.
const stop = engine.tokenize("model.").at(-1);
const short = await engine.chat({ ...request, stopTokenIds: [stop] }).result;
console.log(`${short.text.trim()} (${short.finishReason}, ${short.stopTokenId === stop})`);

// What is there after a second.
const quick = await engine.chat({ ...request, ignoreEos: true, timeLimitMs: 100 }).result;
console.log(`${quick.usage.completionTokens} tokens, then the ${quick.finishReason} was up`);
await engine.close();
