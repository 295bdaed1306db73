import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { Engine, type GenerationEvent, type ImageSource } from "medinfer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fromRoot } from "../support/paths.mjs";
import { mediumModel } from "../support/random-model.mjs";
import { collect, endless, errorOf, greedy, loadTiny, readUntil, until, user } from "./support/engines.js";

const png = fromRoot("test", "fixtures", "images", "rgb.png");
const jpg = fromRoot("test", "fixtures", "images", "baseline.jpg");

let engine: Engine;
beforeAll(async () => {
  engine = await loadTiny();
});
afterAll(() => engine.close());

describe("chat", () => {
  it("streams events in order and adds up to the result", async () => {
    const generation = engine.chat({ messages: user("Hello"), sampling: greedy, nPredict: 12, ignoreEos: true });
    const events = await collect(generation);
    const result = await generation.result;
    const types = events.map(({ type }) => type).filter((type, i, all) => type !== all[i - 1]);
    expect(types).toEqual(["queued", "prefill", "text", "done"]);
    expect(events.map((event) => (event.type === "text" ? event.text : "")).join("")).toBe(result.text);
    expect(events.at(-1)).toEqual({ type: "done", ...result });
    expect(result).toMatchObject({ finishReason: "length", stopString: "" });
    expect(result.usage).toMatchObject({ completionTokens: 12, imageTokens: 0, imagesCached: 0 });
    const { queueMs, prefillMs, firstTokenMs, decodeMs, totalMs } = result.timings;
    expect(Math.min(queueMs, prefillMs, firstTokenMs, decodeMs)).toBeGreaterThanOrEqual(0);
    expect(totalMs).toBeGreaterThanOrEqual(firstTokenMs);
  });

  it("keeps its events for a late reader, during the request and after it", async () => {
    const options = { messages: user("Hello"), sampling: greedy, nPredict: 400, ignoreEos: true };
    const { text } = await engine.chat(options).result;
    const over = engine.chat(options);
    await over.result;
    const kinds = (events: GenerationEvent[]) => events.map(({ type }) => type);
    expect(kinds(await collect(over))).toEqual(["queued", "prefill", "text", "done"]);
    const running = engine.chat(options);
    await until(() => engine.stats().running > 0);
    const events = await collect(running);
    expect(kinds(events).at(-1)).toBe("done");
    expect(events.map((event) => (event.type === "text" ? event.text : "")).join("")).toBe(text);
  });

  it("says the same as complete() with the rendered prompt", async () => {
    const { prompt } = engine.applyChatTemplate(user("What is a fever?"));
    // How much is drafted hangs on what passes have cost.
    const options = { sampling: greedy, nPredict: 16, maxDraftTokens: 0 };
    const chat = await engine.chat({ messages: user("What is a fever?"), ...options, cacheSalt: "one" }).result;
    const complete = await engine.complete({ prompt, ...options, cacheSalt: "other" }).result;
    expect(chat.text).toBe(complete.text);
    expect(chat.usage).toEqual(complete.usage);
  });

  it("repeats itself with the same seed, and not with others", async () => {
    const run = async (seed?: number) => {
      const sampling = { temperature: 5, topK: 0, topP: 1, minP: 0, seed };
      return (await engine.chat({ ...endless, sampling, nPredict: 24 }).result).text;
    };
    const [a, b, c, d] = [await run(7), await run(7), await run(8), await run()];
    expect(a).toBe(b);
    expect(new Set([a, c, d, await run()]).size).toBe(4);
  });

  it("ends before a stop string, and names it", async () => {
    const options = { ...endless, sampling: greedy, nPredict: 24 };
    const { text } = await engine.chat(options).result;
    const stop = text.slice(8, 12);
    const result = await engine.chat({ ...options, stopStrings: ["never seen", stop] }).result;
    expect(result).toMatchObject({ finishReason: "stop", stopString: stop });
    expect(result.text).toBe(text.slice(0, text.indexOf(stop)));
  });

  it("ends before what a stop regex matches, as a request that ended by itself", async () => {
    const options = { ...endless, sampling: greedy };
    const { text } = await engine.chat({ ...options, nPredict: 24 }).result;
    const stop = text.slice(8, 12);
    const found = new RegExp(
      stop.replace(/[^]/gu, (c) => `\\u{${c.codePointAt(0)!.toString(16)}}`),
      "u",
    );
    const before = engine.stats();
    const began = performance.now();
    const expected = { finishReason: "stop", stopString: stop, text: text.slice(0, text.indexOf(stop)) };

    // Whether only the result is awaited, or the events are read.
    const alone = await engine.chat({ ...options, stopRegexes: ["never seen", found] }).result;
    expect(alone).toMatchObject(expected);
    expect(alone.usage.completionTokens).toBeGreaterThan(0);
    expect(alone.timings.totalMs).toBeGreaterThanOrEqual(alone.timings.firstTokenMs);
    const generation = engine.chat({ ...options, stopRegexes: [found], stopStrings: ["never seen"] });
    const events = await collect(generation);
    expect(events.map((event) => (event.type === "text" ? event.text : "")).join("")).toBe(expected.text);
    expect(await generation.result).toMatchObject(expected);
    const after = engine.stats();
    expect(after.completed).toBe(before.completed + 2);
    expect(after.aborted).toBe(before.aborted);
    const passMs = after.stepMs - before.stepMs;
    expect(passMs).toBeGreaterThan(0);
    expect(passMs).toBeLessThan(performance.now() - began);
    expect(after.running).toBe(0);
  });

  it("separates reasoning from the answer", async () => {
    const options = { ...endless, sampling: greedy, nPredict: 24 };
    const { text, reasoning } = await engine.chat(options).result;
    expect(reasoning).toBe("");
    const [open, close] = [text.slice(4, 6), text.slice(10, 13)];
    const from = text.indexOf(open) + open.length;
    const to = text.indexOf(close, from);
    const generation = engine.chat({ ...options, thinkingTags: { open, close } });
    const events = await collect(generation);
    const textsOf = (type: string) => events.map((event) => (event.type === type && "text" in event ? event.text : ""));
    const result = await generation.result;
    expect(result.reasoning).toBe(text.slice(from, to).trimStart());
    expect(result.text.startsWith(text.slice(0, from - open.length))).toBe(true);
    expect(textsOf("reasoning").join("")).toBe(result.reasoning);
    expect(textsOf("text").join("")).toBe(result.text);
    // The same where nobody reads and all text comes at the end.
    const again = await engine.chat({ ...options, thinkingTags: { open, close } }).result;
    expect([again.reasoning, again.text]).toEqual([result.reasoning, result.text]);
  });

  it("reads control tokens in messages as plain text", async () => {
    const plain = await engine.chat({ messages: user("a b"), nPredict: 1 }).result;
    const { eosToken } = engine.info;
    const odd = await engine.chat({ messages: user(`a ${eosToken} b`), nPredict: 1 }).result;
    const asToken = engine.tokenize(eosToken, { parseSpecial: true }).length;
    expect(asToken).toBe(1);
    expect(engine.tokenize(eosToken).length).toBeGreaterThan(1);
    expect(odd.usage.promptTokens).toBeGreaterThan(plain.usage.promptTokens + asToken);
  });

  it("serves more requests at once than fit, each as if alone", async () => {
    const questions = ["fever", "cough", "pain", "rash", "fatigue", "nausea", "asthma", "gout", "flu"];
    const options = { sampling: greedy, nPredict: 10, ignoreEos: true };
    const alone: string[] = [];
    for (const word of questions) {
      alone.push((await engine.chat({ messages: user(word), ...options }).result).text);
    }
    const together = await Promise.all(
      questions.map((word) => engine.chat({ messages: user(word), ...options }).result),
    );
    // Kernels differ by batch size: near ties may fall the other way now and then.
    const same = together.filter(({ text }, i) => text === alone[i]).length;
    expect(same).toBeGreaterThanOrEqual(questions.length - 2);
  });

  it("runs a higher priority first", async () => {
    await using small = await loadTiny({ batchSize: 1, mmproj: null });
    const running = small.chat({ ...endless, nPredict: 200 });
    await readUntil(running, "text");
    const order: string[] = [];
    const low = small.chat({ ...endless, nPredict: 2 });
    const high = small.chat({ ...endless, nPredict: 2, priority: 5 });
    await Promise.all([
      low.result.then(() => order.push("low")),
      high.result.then(() => order.push("high")),
      running.result,
    ]);
    expect(order).toEqual(["high", "low"]);
  });

  it("refuses one request more than may wait", async () => {
    await using small = await loadTiny({ batchSize: 1, maxQueue: 2, mmproj: null });
    const running = small.chat(endless);
    await readUntil(running, "text");
    const waiting = [small.chat(endless), small.chat(endless)];
    const error = await errorOf(small.chat(endless).result);
    expect(error).toMatchObject({ code: "QUEUE_FULL", retryable: true });
    await until(() => small.stats().queued === waiting.length);
  });

  it("refuses a prompt that can never fit", async () => {
    const messages = user("word ".repeat(20_000));
    const error = await errorOf(engine.chat({ messages }).result);
    expect(error.code).toBe("CONTEXT_FULL");
    expect(error.message).not.toContain("word");
  });
});

describe("images", () => {
  const ask = (image: ImageSource) =>
    engine.chat({
      messages: [
        {
          role: "user",
          content: [
            { type: "image", image },
            { type: "text", text: "\nWhat?" },
          ],
        },
      ],
      sampling: greedy,
      nPredict: 8,
      ignoreEos: true,
    });

  it("give the same answer from a path, bytes, a file: URL and a data: URL, encoded once", async () => {
    const events = await collect(ask(png));
    expect(events.map(({ type }) => type)).toContain("encode");
    const first = events.at(-1)!;
    if (first.type !== "done") throw new Error("not done");
    expect(first.usage.imageTokens).toBeGreaterThan(0);
    const bytes = readFileSync(png);
    const forms = [
      bytes,
      new Uint8Array(bytes),
      pathToFileURL(png),
      `data:image/png;base64,${bytes.toString("base64")}`,
      new Blob([bytes]),
      new File([bytes], "rgb.png"),
      Uint8Array.from(bytes).buffer,
    ];
    for (const form of forms) {
      const { text, usage } = await ask(form).result;
      expect(text).toBe(first.text);
      expect(usage.imagesCached).toBe(1);
    }
  });

  it("stand where the message has them", async () => {
    const { imageTokens } = (await ask(png).result).usage;
    const parts = (order: number[]) =>
      order.map(
        (i) =>
          [
            { type: "image" as const, image: png },
            { type: "image" as const, image: jpg },
            { type: "text" as const, text: " and " },
          ][i]!,
      );
    const run = (order: number[]) =>
      engine.chat({ messages: [{ role: "user", content: parts(order) }], nPredict: 1 }).result;
    expect((await run([0, 2, 1])).usage.imageTokens).toBe(2 * imageTokens);
    expect(engine.applyChatTemplate([{ role: "user", content: parts([0, 2, 1]) }]).prompt).toContain(
      "<__media__> and <__media__>",
    );
  });

  it("are given beside the messages, too", async () => {
    const options = { sampling: greedy, nPredict: 8, ignoreEos: true };
    const beside = await engine.chat({ messages: user("What?"), images: [png], ...options }).result;
    expect(beside.text).toBe((await ask(png).result).text);
    const completed = await engine.complete({ prompt: " What?", images: [png], ...options }).result;
    expect(completed.usage.imageTokens).toBe(beside.usage.imageTokens);
  });

  it("are embedded as rows of floats", async () => {
    const { imageTokens } = (await ask(png).result).usage;
    const embedding = await engine.embedImage(png);
    expect(embedding).toMatchObject({ tokens: imageTokens, width: engine.info.nEmbd, cached: true });
    expect(embedding.values).toBeInstanceOf(Float32Array);
    expect(embedding.values).toHaveLength(embedding.tokens * embedding.width);
    expect(embedding.values.every(Number.isFinite)).toBe(true);
  });

  it("are refused where the model was loaded without a projector", async () => {
    await using blind = await loadTiny({ mmproj: null });
    expect(blind.info.vision).toBe(false);
    const error = await errorOf(blind.chat({ messages: user("x"), images: [png] }).result);
    expect(error.code).toBe("NO_VISION");
    expect((await errorOf(blind.embedImage(png))).code).toBe("NO_VISION");
  });

  it("that are damaged fail their own request alone", async () => {
    const [bad, good] = await Promise.allSettled([ask(Buffer.from("no image")).result, ask(png).result]);
    expect(bad).toMatchObject({ status: "rejected", reason: { code: "IMAGE_DECODE" } });
    expect(good.status).toBe("fulfilled");
  });
});

describe("abort", () => {
  it("works before, while waiting, and while generating", async () => {
    expect((await errorOf(engine.chat({ ...endless, signal: AbortSignal.abort() }).result)).code).toBe("ABORTED");
    const controllers = Array.from({ length: 6 }, () => new AbortController());
    const requests = controllers.map(({ signal }) => engine.chat({ ...endless, signal }).result);
    requests.forEach((request) => request.catch(() => {}));
    await until(() => engine.stats().running === 4);
    for (const controller of controllers) controller.abort("enough");
    for (const request of requests) {
      expect(await errorOf(request)).toMatchObject({ code: "ABORTED", cause: "enough" });
    }
    expect(engine.stats()).toMatchObject({ running: 0, queued: 0, kvCellsUsed: 0 });
  });

  it("follows a loop that is left early", async () => {
    for await (const event of engine.chat(endless)) if (event.type === "text") break;
    await until(() => engine.stats().running === 0);
  });

  it("reaches images, encoding and embedding", async () => {
    const signal = AbortSignal.timeout(1);
    const error = await errorOf(engine.chat({ ...endless, images: [jpg], signal }).result);
    expect(error.code).toBe("ABORTED");
    expect((await errorOf(engine.embedImage(png, { signal }))).code).toBe("ABORTED");
  });
});

describe("back-pressure", () => {
  it("pauses the request whose events are not read, and no other", async () => {
    // A model of some milliseconds a token: an event holds the text of a few milliseconds, and 64 unread ones pause.
    const slower = await Engine.load({ model: mediumModel(), mmproj: null, nCtx: 1024 });
    const complete = (nPredict: number) => slower.complete({ prompt: "Hello", nPredict, ignoreEos: true });
    const slow = complete(400);
    const reader = await readUntil(slow, "text");
    await until(() => slower.stats().paused === 1);
    const other = await complete(20).result;
    expect(other.usage.completionTokens).toBe(20);
    expect(slower.stats().paused).toBe(1);
    for (let next = await reader.next(); next.done !== true; next = await reader.next());
    expect((await slow.result).usage.completionTokens).toBe(400);
    await slower.close();
  });

  it("never stalls a caller that awaits the result", async () => {
    const generation = engine.chat({ ...endless, nPredict: 300 });
    await readUntil(generation, "text");
    expect((await generation.result).usage.completionTokens).toBe(300);
  });
});

describe("annotate", () => {
  it("answers rows in order, several at once, and keeps errors to their rows", async () => {
    const rows = [
      { id: "a", image: png },
      { id: "b", image: "no such file.png" },
      { id: "c", prompt: "What is a fever?" },
      { id: "d", images: [png, jpg], prompt: "Compare" },
      { id: "e", image: Buffer.from("damaged") },
    ];
    const results = await collect(engine.annotate(rows, { prompt: "What?", nPredict: 6, sampling: greedy }));
    expect(results.map(({ row }) => row.id)).toEqual(["a", "b", "c", "d", "e"]);
    expect(results.map(({ error }) => error?.code)).toEqual([
      undefined,
      "IMAGE_NOT_FOUND",
      undefined,
      undefined,
      "IMAGE_DECODE",
    ]);
    expect(results[1]!.metadata.llamacpp_exception).toBe(results[1]!.error!.message);
    expect(results[3]!.usage!.imageTokens).toBe(2 * results[0]!.usage!.imageTokens);
  });

  it("throws the first error where that is asked for", async () => {
    const rows = [{ prompt: "x" }, { image: "no such file.png", prompt: "x" }];
    const error = await errorOf(collect(engine.annotate(rows, { onError: "throw", nPredict: 2 })));
    expect(error).toMatchObject({ code: "IMAGE_NOT_FOUND" });
    expect(error.message).toMatch(/^engine\.annotate: rows\[1\]: /);
  });
});
