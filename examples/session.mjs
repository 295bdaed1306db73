import { rmSync } from "node:fs";
import { Engine } from "medinfer";

const engine = await Engine.load();
const session = engine.session({ system: "You are a helpful assistant." });
const options = { sampling: { temperature: 0 }, nPredict: 40 };
await session.chat({ content: "What is a fever?", ...options }).result;

// The second turn computes only what is new.
const { usage } = await session.chat({ content: "How is it treated?", ...options }).result;
console.log(`${usage.cachedTokens} of ${usage.promptTokens} tokens were there`);

// Two ways to go on from here. A fork copies nothing.
const other = await session.fork();
await Promise.all([
  session.chat({ content: "And in children?", ...options }).result,
  other.chat({ content: "And in the elderly?", ...options }).result,
]);
console.log(session.messages.length, other.messages.at(-2).content);
other.close();

// On disk, for another process.
await session.save("visit.session");
session.close();
const restored = await engine.restoreSession("visit.session");
console.log(restored.messages.length, "messages restored");
restored.close();
rmSync("visit.session");
await engine.close();
