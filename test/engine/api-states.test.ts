/** Every method in every state of an engine: loading, idle, busy, closing, closed. */
import { devices, Engine, MedInferError } from "medinfer";
import { afterEach, describe, expect, it } from "vitest";
import { fromRoot } from "../support/paths.mjs";
import { collect, endless, errorOf, loadTiny, readUntil, user } from "./support/engines.js";

const png = fromRoot("test", "fixtures", "images", "rgb.png");

/** Every method that needs an open engine. */
const methods: Record<string, (engine: Engine) => unknown> = {
  chat: (engine) => engine.chat({ messages: user("x"), nPredict: 2 }).result,
  complete: (engine) => engine.complete({ prompt: "x", nPredict: 2 }).result,
  "chat with an image": (engine) => engine.chat({ messages: user("x"), images: [png], nPredict: 2 }).result,
  "chat, iterated": (engine) => collect(engine.chat({ messages: user("x"), nPredict: 2 })),
  annotate: (engine) => collect(engine.annotate([{ prompt: "x" }], { nPredict: 2 })),
  embedImage: (engine) => engine.embedImage(png),
  tokenize: (engine) => engine.tokenize("fever"),
  detokenize: (engine) => engine.detokenize([5, 6]),
  stats: (engine) => engine.stats(),
};
/** Every one that does not. */
const always: Record<string, (engine: Engine) => unknown> = {
  info: (engine) => engine.info.nVocab,
  applyChatTemplate: (engine) => engine.applyChatTemplate(user("x")).prompt,
};

const open: Engine[] = [];
const load = async (...options: Parameters<typeof loadTiny>) => {
  const engine = await loadTiny(...options);
  open.push(engine);
  return engine;
};
afterEach(async () => {
  await Promise.all(open.splice(0).map((engine) => engine.close()));
});

describe("a loading engine", () => {
  it("reports progress from 0 to 1 and never back", async () => {
    const seen: number[] = [];
    await load({ onProgress: (fraction) => void seen.push(fraction) });
    expect(seen.at(-1)).toBe(1);
    expect([...seen].sort((a, b) => a - b)).toEqual(seen);
    expect(Math.min(...seen)).toBeGreaterThanOrEqual(0);
  });

  it("is aborted by its signal", async () => {
    for (const wait of [0, 1, 5]) {
      const controller = new AbortController();
      const loading = loadTiny({ signal: controller.signal });
      loading.catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, wait));
      controller.abort("changed my mind");
      // It may have been faster than the abort.
      const outcome = await loading.catch((error: unknown) => error);
      if (outcome instanceof Engine) open.push(outcome);
      else expect(outcome).toMatchObject({ code: "ABORTED", cause: "changed my mind" });
    }
    expect((await errorOf(Engine.load({ signal: AbortSignal.abort() }))).code).toBe("ABORTED");
  });

  it("stops when the progress report throws, with that error", async () => {
    const mine = new Error("mine");
    const onProgress = () => {
      throw mine;
    };
    await expect(loadTiny({ onProgress })).rejects.toBe(mine);
  });

  it("does not disturb another one", async () => {
    const [a, b] = await Promise.all([load(), load({ mmproj: null })]);
    expect(a.info.vision).toBe(true);
    expect(b.info.vision).toBe(false);
    await Promise.all([methods.chat!(a), methods.chat!(b)]);
  });
});

describe("an idle engine", () => {
  it.each(Object.entries({ ...methods, ...always }))("%s", async (_name, call) => {
    const engine = await load();
    expect(await call(engine)).toBeDefined();
  });

  it("turns text into tokens and back", async () => {
    const engine = await load();
    const tokens = engine.tokenize("Amoxicillin 500 mg");
    expect(tokens).toBeInstanceOf(Int32Array);
    expect(engine.detokenize(tokens).trim()).toBe("Amoxicillin 500 mg");
    const whole = engine.tokenize("x", { addSpecial: true });
    expect(whole.length).toBe(engine.tokenize("x").length + 1);
    expect(engine.detokenize(whole, { special: true })).toContain(engine.info.bosToken);
    expect(engine.detokenize(whole)).not.toContain(engine.info.bosToken);
    expect((await errorOf(() => engine.detokenize([engine.info.nVocab]))).code).toBe("INVALID_ARGUMENT");
  });

  it("says what it is", async () => {
    const engine = await load({ nCtx: 1024, batchSize: 3 });
    expect(engine.info).toMatchObject({ nCtx: 1024, batchSize: 3, vision: true });
    expect(engine.stats()).toMatchObject({ queued: 0, running: 0, kvCells: 1024, kvCellsUsed: 0 });
    expect(devices().some(({ backend }) => backend === "cpu")).toBe(true);
  });
});

describe("a busy engine", () => {
  it.each(Object.entries({ ...methods, ...always }))("%s", async (_name, call) => {
    const engine = await load({ batchSize: 2 });
    const busy = [engine.chat(endless), engine.chat(endless)];
    const [, last] = await Promise.all(busy.map((generation) => readUntil(generation, "text")));
    // The third waits until one of the two ends.
    const answer = call(engine);
    await last!.return!();
    expect(await answer).toBeDefined();
  });
});

describe("an engine that is being closed", () => {
  it("ends what is under way with CLOSED", async () => {
    const engine = await load({ batchSize: 2 });
    const running = engine.chat(endless);
    await readUntil(running, "text");
    const requests = {
      running: running.result,
      alsoRunning: engine.chat(endless).result,
      waiting: engine.chat(endless).result,
      images: engine.chat({ ...endless, images: [png] }).result,
      embedding: engine.embedImage(png),
      annotating: collect(engine.annotate([{ prompt: "x" }], { ignoreEos: true })),
    };
    const codes = Promise.all(Object.values(requests).map(async (request) => (await errorOf(request)).code));
    const closing = engine.close();
    expect(new Set(await codes)).toEqual(new Set(["CLOSED"]));
    await closing;
  });

  it.each(Object.entries(methods))("refuses %s", async (_name, call) => {
    const engine = await load();
    await readUntil(engine.chat(endless), "text");
    const closing = engine.close();
    expect((await errorOf(() => call(engine))).code).toBe("CLOSED");
    await closing;
  });

  it("can be closed again and again", async () => {
    const engine = await load();
    await Promise.all([engine.close(), engine.close(), engine[Symbol.asyncDispose]()]);
    await engine.close();
  });
});

describe("a closed engine", () => {
  it.each(Object.entries(methods))("refuses %s", async (_name, call) => {
    const engine = await load();
    await engine.close();
    const error = await errorOf(() => call(engine));
    expect(error).toMatchObject({ code: "CLOSED", retryable: false });
  });

  it.each(Object.entries(always))("still has %s", async (_name, call) => {
    const engine = await load();
    await engine.close();
    expect(await call(engine)).toBeDefined();
  });

  it("was closed by `await using`", async () => {
    let engine: Engine;
    {
      await using scoped = await loadTiny();
      engine = scoped;
    }
    expect(() => engine.stats()).toThrow(MedInferError);
  });
});
