// Loads the embedded model with the options of the first message, says a word, and tells what became of it.
import { devices, Engine } from "medinfer";

const warnings = [];
process.on("warning", ({ name, code, message }) => warnings.push({ name, code, message }));

process.once("message", async (options) => {
  const report = { devices: devices() };
  try {
    const engine = await Engine.load({ nThreads: 1, nCtx: 512, mmproj: null, ...options });
    const { text } = await engine.complete({ prompt: "Hello", nPredict: 4, ignoreEos: true }).result;
    Object.assign(report, { info: engine.info, spoke: text.length > 0 });
    await engine.close();
  } catch ({ name, code, message, retryable }) {
    report.error = { name, code, message, retryable };
  }
  await new Promise((resolve) => setImmediate(resolve)); // warnings come in a later turn
  process.send({ ...report, warnings }, () => process.disconnect());
});
