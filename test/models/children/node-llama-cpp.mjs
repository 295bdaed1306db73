// Greedy tokens of node-llama-cpp: { entry, model, prompts, predict } in, { tokens } out, both by messages.
import process from "node:process";
import { pathToFileURL } from "node:url";

process.once("message", async ({ entry, model: file, prompts, predict }) => {
  const { getLlama } = await import(pathToFileURL(entry).href);
  const llama = await getLlama({ gpu: false, build: "never", maxThreads: 2, logLevel: "error" });
  const model = await llama.loadModel({ modelPath: file });
  const context = await model.createContext({ sequences: 1, contextSize: 1024, flashAttention: true, threads: 2 });
  const sequence = context.getSequence();
  const tokens = [];
  for (const prompt of prompts) {
    await sequence.clearHistory();
    const answer = [];
    for await (const token of sequence.evaluate(prompt, { temperature: 0, yieldEogToken: true })) {
      answer.push(token);
      if (answer.length === predict || model.isEogToken(token)) break;
    }
    tokens.push(answer);
  }
  process.send({ tokens }, () => process.exit());
});
