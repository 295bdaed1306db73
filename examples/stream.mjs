import { Engine } from "medinfer";

const engine = await Engine.load();
const generation = engine.chat({
  messages: [
    { role: "system", content: "You are a helpful assistant." },
    { role: "user", content: "What is metformin used for?" },
  ],
  sampling: { temperature: 0 },
});
for await (const event of generation) {
  if (event.type === "prefill") console.log(`read ${event.done} of ${event.total} tokens`);
  if (event.type === "text") process.stdout.write(event.text);
  if (event.type === "done") console.log(`\n${event.finishReason}, ${event.timings.totalMs.toFixed(0)} ms`);
}
await engine.close();
