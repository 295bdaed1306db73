// One case of bad input in a process of its own: does the bad thing, then shows that the process still works.
import { Engine, MedInferError } from "medinfer";

/** @param {() => Promise<unknown>} action */
async function errorOf(action) {
  try {
    await action();
    return undefined;
  } catch (error) {
    const { name, code, message, retryable } = error;
    return { typed: error instanceof MedInferError, name, code, message, retryable };
  }
}

process.once("message", async ({ load, request, good }) => {
  let error;
  if (load !== undefined) {
    error = await errorOf(async () => (await Engine.load(load)).close());
  }
  const engine = await Engine.load(good);
  if (request !== undefined) {
    error = await errorOf(() => engine.complete(request).result);
  }
  const after = await engine.complete({
    prompt: "bat cat dog",
    nPredict: 3,
    sampling: { temperature: 0 },
  }).result;
  await engine.close();
  process.send({ error, after: after.text, peakMb: process.resourceUsage().maxRSS / 1024 });
  process.disconnect();
});
