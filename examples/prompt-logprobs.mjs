import { Engine } from "medinfer";

const engine = await Engine.load();

// How well does the model expect each token of a text? Nothing is generated.
const prompt = "USER: Hello\nASSISTANT: I am a tiny demonstration model.";
const { text, promptLogprobs } = await engine.complete({ prompt, echo: true, promptLogprobs: 1, nPredict: 0 }).result;
console.log(text === prompt);
for (const { text, logprob, top } of promptLogprobs.slice(-8)) {
  console.log(`${JSON.stringify(text)} ${logprob.toFixed(2)}, likeliest ${JSON.stringify(top[0].text)}`);
}
const known = promptLogprobs.filter((token) => token !== null && token.logprob !== null);
const mean = known.reduce((sum, { logprob }) => sum + logprob, 0) / known.length;
console.log(`perplexity ${Math.exp(-mean).toFixed(1)}`);
await engine.close();
