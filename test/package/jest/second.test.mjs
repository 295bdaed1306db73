// The same process, another context: the addon is there already. As an ES module.
import { Engine, MedInferError } from "medinfer";

test("a second test file in one process", async () => {
  const engine = await Engine.load({ nCtx: 512, nThreads: 1 });
  const { text } = await engine.complete({ prompt: "Extract", nPredict: 2 }).result;
  expect(text.length).toBeGreaterThan(0);
  expect(engine.detokenize(engine.tokenize("gout"))).toBe("gout");
  await engine.close();
  const error = await engine.complete({ prompt: "Extract" }).result.catch((reason) => reason);
  expect(error).toBeInstanceOf(MedInferError);
  expect(error.code).toBe("CLOSED");
});
