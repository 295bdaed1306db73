import { Engine } from "medinfer";

const engine = await Engine.load();
const request = { messages: [{ role: "user", content: "Hello" }], sampling: { temperature: 0 } };

// The first sentence alone.
const { text, stopString } = await engine.chat({ ...request, stopRegexes: [/[.!?]\s/] }).result;
console.log(`${text.trim()} (stopped at ${JSON.stringify(stopString)})`);

// What a model says between such tags comes apart from its answer. The tiny one does not think.
const generation = engine.chat({ ...request, thinkingTags: { open: "<think>", close: "</think>" } });
for await (const event of generation) {
  if (event.type === "reasoning") process.stderr.write(event.text);
  if (event.type === "text") process.stdout.write(event.text);
}
const { reasoning } = await generation.result;
console.log(`\n${reasoning.length} characters of reasoning`);
await engine.close();
