import { Engine } from "medinfer";

const engine = await Engine.load();

// Of an answer to a question: how likely is each, before anything is drawn?
const messages = [{ role: "user", content: "Which letter comes behind B?" }];
const { candidates } = await engine.score({ messages, candidates: ["A", "C", "D", "E"] });
for (const { text, probability } of candidates) console.log(`${text}: ${(100 * probability).toFixed(1)} %`);

// Of what goes on with a text: a candidate may have several tokens.
const prompt = "USER: Hello\nASSISTANT:";
const endings = await engine.score({ prompt, candidates: [" I am a tiny demonstration model", " I am a doctor"] });
const [tiny, doctor] = endings.candidates;
console.log(tiny.logprob > doctor.logprob, tiny.tokenIds.length);
await engine.close();
