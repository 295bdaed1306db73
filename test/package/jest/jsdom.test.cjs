/** @jest-environment jsdom */
// A web project's environment: URL, AbortController and the typed arrays are not Node's, some of Node's globals are missing.
const { readFileSync } = require("node:fs");
const { pathToFileURL } = require("node:url");
const { Engine, MedInferError } = require("medinfer");

test("in jsdom", async () => {
  const picture = process.env.PICTURE;
  const engine = await Engine.load({ nCtx: 1024, nThreads: 1, chatTemplate: "vicuna" });
  expect(engine.detokenize(engine.tokenize("gout"))).toBe("gout");
  for (const image of [
    picture,
    readFileSync(picture),
    new Uint8Array(readFileSync(picture)),
    new URL(pathToFileURL(picture).href),
  ]) {
    const { usage } = await engine.chat({
      messages: [{ role: "user", content: [{ type: "image", image }] }],
      nPredict: 2,
    }).result;
    expect(usage.imageTokens).toBeGreaterThan(0);
  }
  const controller = new AbortController();
  const aborted = engine.chat({
    messages: [{ role: "user", content: "Hi" }],
    ignoreEos: true,
    signal: controller.signal,
  });
  controller.abort();
  expect(await aborted.result.catch((error) => error.code)).toBe("ABORTED");
  const fetched = await engine.embedImage(new URL("http://127.0.0.1:9/a.png")).catch((error) => error);
  expect(fetched).toBeInstanceOf(MedInferError);
  expect(fetched.code).toBe("IMAGE_FETCH");
  await engine.close();
});
