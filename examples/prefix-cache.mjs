import { tmpdir } from "node:os";
import { Engine } from "medinfer";

// What neither the pool nor host memory has room for goes to a file without a name in this folder, and with the process.
const engine = await Engine.load({ kv: { diskCacheFolder: tmpdir() } });
const system = { role: "system", content: "You are a careful assistant for a cardiology ward. ".repeat(8) };
const ask = (content, cacheSalt) =>
  engine.chat({ messages: [system, { role: "user", content }], nPredict: 8, cacheSalt }).result;

// What prompts have in common is computed once, also when they come at the same time.
const first = await ask("What is hypertension?", "ward 3");
const second = await ask("What is gout?", "ward 3");
console.log(
  `ward 3: ${first.usage.cachedTokens}, then ${second.usage.cachedTokens} of ${second.usage.promptTokens} tokens`,
);

// Tenants who must not share get a salt each.
const other = await ask("What is gout?", "ward 7");
console.log(`ward 7: ${other.usage.cachedTokens}`);

const { pages, pagesFree, pagesCached } = engine.stats().kv;
console.log(`${pagesFree} of ${pages} pages are free, ${pagesCached} are kept for prompts like these`);
await engine.close();
