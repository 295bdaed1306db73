// Loads what it is sent and uses it as a user would. What matters is whether this process lives to answer.
import { Engine, MedInferError } from "medinfer";

// The stored models' vocabulary is that of printable ASCII.
const words = "Metformin 500 mg b.i.d. HbA1c: 7,2 % </s> dosage; ".repeat(2);
const foreign = "<|im_end|>\u00e9\n\t\u{1fa7a}\0";

/** @param {Engine} engine @param {string | null} picture */
async function use(engine, picture) {
  const tokens = engine.tokenize(words, { parseSpecial: true });
  engine.detokenize(tokens);
  try {
    engine.detokenize(engine.tokenize(foreign, { addSpecial: true }));
  } catch (error) {
    if (!describe(error).typed) throw error;
  }
  const options = { sampling: { temperature: 0 }, nPredict: 3, ignoreEos: true };
  if (picture !== null) {
    await engine.embedImage(picture);
    await engine.complete({
      prompt: [
        { type: "image", image: picture },
        { type: "text", text: "A" },
      ],
      ...options,
    }).result;
    return;
  }
  // More than one micro-batch, and a second request whose tokens share a pass with the first's.
  const short = engine.complete({ prompt: "A", ...options });
  await Promise.all([engine.complete({ prompt: words, ...options }).result, short.result]);
  if (engine.info.chatTemplate) await engine.chat({ messages: [{ role: "user", content: "A" }], ...options }).result;
}

const describe = (error) => ({
  typed: error instanceof MedInferError && error.code !== "INTERNAL",
  code: String(error?.code ?? error?.name),
  message: String(error?.message).slice(0, 600),
  length: String(error?.message).length,
});

/** One request with the adapter beside one without. @param {Engine} engine @param {string} file */
async function useAdapter(engine, file) {
  const options = { prompt: words, sampling: { temperature: 0 }, nPredict: 3, ignoreEos: true };
  const adapter = await engine.loadAdapter(file);
  const without = engine.complete(options);
  await Promise.all([engine.complete({ ...options, adapters: [{ adapter, scale: 0.5 }] }).result, without.result]);
  await adapter.unload();
}

process.on("message", async ({ model, mmproj, picture, adapter, nThreads }) => {
  let outcome = { state: "ran" };
  try {
    const engine = await Engine.load({
      model,
      mmproj,
      device: "cpu",
      nCtx: mmproj === null ? 512 : 2048,
      nUbatch: mmproj === null ? 32 : 512, // some models read an image in one piece
      batchSize: 2,
      nThreads,
    });
    try {
      if (adapter !== undefined) await useAdapter(engine, adapter);
    } catch (error) {
      outcome = { state: "failed", ...describe(error) };
    }
    try {
      // Whatever an adapter was, the model is as it was.
      await use(engine, picture);
    } catch (error) {
      outcome = { state: "failed", ...describe(error) };
    }
    await engine.close();
  } catch (error) {
    outcome = { state: "refused", ...describe(error) };
  }
  process.send({ ...outcome, peakMb: Math.round(process.resourceUsage().maxRSS / 1024) });
});
