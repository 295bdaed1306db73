import { inspectSampling } from "medinfer";

// What each stage of the sampling chain leaves of a distribution. No model is needed.
const { stages, token } = await inspectSampling({
  probs: [0.02, 0.08, 0.1, 0.2, 0.25, 0.35],
  history: [5, 5, 4],
  sampling: { topK: 5, topP: 0.9, minP: 0.1, repeatPenalty: 1.18, temperature: 0.8, seed: 7 },
});
for (const { sampler, candidates } of stages) {
  console.log(sampler.padEnd(11), candidates.map(({ id, p }) => `${id}: ${p.toFixed(3)}`).join("  "));
}
console.log(`drawn: ${token}`);
