// Brings an engine into a phase of its life in which to be surprised by the end of its environment.
import { blocksPng } from "../../support/images.mjs";
import { addon, embedRequestOf, loadOptions, longPrompt, models, requestOf } from "./native.mjs";

/** @typedef {"load" | "prefill" | "encode" | "decode" | "embed" | "adapters" | "images" | "close" | "idle"} Phase */

const quiet = () => {};

/**
 * Calls `reached` once the engine is in the phase, and `left` when the phase is over by itself. Keeps the engine
 * reachable for good.
 * @param {Phase} phase
 * @param {{ reached: () => void, left?: () => void }} callbacks
 */
export async function enter(phase, { reached, left = quiet }) {
  let reported = false;
  const tell = () => {
    if (!reported) reached();
    reported = true;
  };

  if (phase === "load") {
    const options = loadOptions({ modelPath: models.large });
    const load = keep(addon.load(options, quiet, quiet));
    // Progress may come in one leap where the file lies in the page cache: what the moment is, the caller's pause says.
    tell();
    keep(await load.engine);
    left();
    return;
  }

  if (phase === "embed") {
    const engine = keep(
      await addon.load(loadOptions({ task: "embed", modelPath: models.embedder, batchSize: 64 }), quiet, quiet).engine,
    );
    for (let i = 0; i < 900; i++) engine.embed(embedRequestOf("bat ".repeat(200)));
    tell();
    return;
  }

  const prefill = phase === "prefill";
  const encode = phase === "encode";
  const options = loadOptions({
    modelPath: prefill ? models.medium : models.tiny,
    nCtx: 8192,
    mmprojPath: encode ? models.slowMmproj : "",
  });
  const load = addon.load(
    options,
    (events) => {
      for (const event of events) {
        // Adapters come, are used and go, all the time.
        if (event.type === "adapterLoaded") {
          tell();
          const adapters = [{ adapter: event.id, scale: 1 }];
          for (let i = 0; i < 3; i++) engine.submit(requestOf(longPrompt(3), { nPredict: 5 * i, adapters }));
          engine.unloadAdapter(event.id);
        }
        if (event.type === "adapterUnloaded") engine.loadAdapter(models.adapter);
        if (event.type === "text" && phase === "decode") tell();
        if (event.type === "prefill" && prefill && event.done < event.total) tell();
        const over = { prefill: "text", encode: "encode", decode: "done" }[phase];
        if (event.type === over || event.type === "failed") left();
      }
    },
    quiet,
  );
  const engine = keep(await load.engine);
  if (phase === "adapters") {
    engine.submit(requestOf(longPrompt(3), { nPredict: 4000 }));
    for (let i = 0; i < 2; i++) engine.loadAdapter(models.adapter);
    return;
  }

  if (phase === "images") {
    // The file of a model is large enough to be in the middle of it.
    const read = async () => {
      for (;;) (await engine.readImage(models.medium, 2 ** 40)).release();
    };
    for (let i = 0; i < 6; i++) keep(read());
    setTimeout(tell, 5);
    return;
  }

  if (phase === "idle") return tell();
  if (prefill) {
    engine.submit(requestOf(longPrompt(4000)));
  } else if (encode) {
    for (let seed = 1; seed <= 4; seed++) {
      const image = blocksPng(seed);
      engine.submit(
        requestOf(
          [
            { image, minTokens: 0, maxTokens: 0 },
            { text: " bat", parseSpecial: false },
          ],
          { nPredict: 1 },
        ),
      );
    }
    // Nothing is sent while an image is encoded: a short wait brings the encoder into its work.
    setTimeout(tell, 15);
  } else {
    for (let i = 0; i < 4; i++) engine.submit(requestOf(longPrompt(3), { nPredict: 900 }));
    if (phase === "close") {
      keep(engine.close());
      tell();
    }
  }
}

/** @type {unknown[]} */
const kept = [];

/** @template T @param {T} value */
function keep(value) {
  kept.push(value);
  return value;
}
