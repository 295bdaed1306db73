/** What ends an answer beside the model itself: a least and a longest length in tokens and time, and single tokens. */
import http from "node:http";
import type { AddressInfo } from "node:net";
import { Engine } from "medinfer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mediumModel } from "../support/random-model.mjs";
import { collect, endless, errorOf, greedy, loadTiny, until, user } from "./support/engines.js";

const any = { temperature: 3, topK: 0, topP: 1, minP: 0, seed: 3 };

let engine: Engine;
beforeAll(async () => {
  engine = await loadTiny({ nCtx: 4096, batchSize: 4 });
});
afterAll(() => engine.close());

/** The ids of what a request draws, its end included. */
async function drawn(options: Parameters<Engine["complete"]>[0]) {
  const { logprobs = [], ...result } = await engine.complete({ nProbs: 1, ...options }).result;
  return { ids: logprobs.map(({ id }) => id), ...result };
}

describe("minTokens", () => {
  // Every token ends the turn as soon as it may.
  const eager = () => ({ ...any, tokenIdBias: Object.fromEntries(engine.info.endTokens.map(({ id }) => [id, 100])) });

  it("keeps the model from ending its turn before, and not after", async () => {
    for (const minTokens of [0, 1, 2, 17]) {
      const result = await drawn({ prompt: "mik mak", sampling: eager(), minTokens, nPredict: 40 });
      expect(result.finishReason).toBe("eos");
      expect(result.usage.completionTokens).toBe(minTokens);
      expect(result.ids).toHaveLength(minTokens + 1);
    }
  });

  it("keeps stop tokens back as well", async () => {
    const free = await drawn({ prompt: "mik", sampling: greedy, ignoreEos: true, nPredict: 8 });
    const stopTokenIds = [free.ids[0]!];
    const result = await drawn({
      prompt: "mik",
      sampling: greedy,
      ignoreEos: true,
      nPredict: 40,
      stopTokenIds,
      minTokens: 5,
    });
    expect(result.ids.slice(0, 5)).not.toContain(stopTokenIds[0]);
    expect(result.usage.completionTokens).toBeGreaterThanOrEqual(5);
  });

  it("changes neither what is drawn later nor what the model found likely", async () => {
    const options = { prompt: "mik mak mek", sampling: any, ignoreEos: false, nPredict: 30 };
    const free = await drawn({ ...options, minTokens: 0, ignoreEos: true });
    const least = await drawn({ ...options, minTokens: 30 });
    expect(least.ids).toEqual(free.ids);
    const [raw] = (
      await engine.complete({ prompt: "mik", minTokens: 1, nPredict: 1, nProbs: 100, sampling: eager() }).result
    ).logprobs!;
    const [same] = (await engine.complete({ prompt: "mik", nPredict: 1, nProbs: 100, sampling: eager() }).result)
      .logprobs!;
    expect(raw!.before).toEqual(same!.before);
  });

  it("holds for each of several completions, and in sessions and annotate", async () => {
    const options = { sampling: eager(), minTokens: 6, nPredict: 20 };
    const { choices = [] } = await engine.chat({ messages: user("mik"), n: 3, ...options }).result;
    expect(choices.map(({ usage }) => usage.completionTokens)).toEqual([6, 6, 6]);
    await using session = engine.session();
    expect((await session.chat({ content: "mik", ...options }).result).usage.completionTokens).toBe(6);
    const [row] = await collect(engine.annotate([{ prompt: "mik" }], options));
    expect(row!.usage!.completionTokens).toBe(6);
  });

  it("does not hold an answer open whose form is complete", async () => {
    const { text, finishReason } = await engine.chat({
      messages: user("mik"),
      grammar: 'root ::= "yes"',
      minTokens: 100,
    }).result;
    expect([text, finishReason]).toEqual(["yes", "eos"]);
  });

  it("cannot be more than nPredict", async () => {
    const error = await errorOf(engine.complete({ prompt: "mik", minTokens: 3, nPredict: 2 }).result);
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", issues: [{ path: "minTokens" }] });
  });
});

describe("stopTokenIds", () => {
  const options = { prompt: "mik mak mek", sampling: any, ignoreEos: true, nPredict: 60 };

  it("end an answer before the first of them, and are no part of it", async () => {
    const free = await drawn(options);
    for (const at of [0, 1, 9, 30]) {
      const stop = free.ids[at]!;
      const first = free.ids.indexOf(stop);
      const result = await drawn({ ...options, stopTokenIds: [stop, engine.info.nVocab - 1] });
      expect(result).toMatchObject({ finishReason: "stop", stopString: "", stopTokenId: stop });
      expect(result.ids).toEqual(free.ids.slice(0, first + 1));
      expect(result.usage.completionTokens).toBe(first);
      expect(free.text.startsWith(result.text)).toBe(true);
    }
  });

  it("are found where the device picks the likeliest token, too", async () => {
    const plain = {
      prompt: "mik mak mek",
      sampling: { temperature: 0, repeatPenalty: 1 },
      ignoreEos: true,
      nPredict: 20,
    };
    const { ids } = await drawn(plain);
    const result = await engine.complete({ ...plain, stopTokenIds: [ids[4]!] }).result;
    expect(result).toMatchObject({ finishReason: "stop", stopTokenId: ids[4] });
    expect(result.usage.completionTokens).toBe(ids.indexOf(ids[4]!));
  });

  it("leave a turn's end what it is, and a result without one says nothing", async () => {
    const end = engine.info.endTokens.find(({ ends }) => ends)!.id;
    const eager = { ...any, tokenIdBias: { [end]: 100 } };
    const result = await engine.complete({ prompt: "mik", sampling: eager, stopTokenIds: [end] }).result;
    expect(result.finishReason).toBe("eos");
    expect("stopTokenId" in result).toBe(false);
  });

  it("let a session go on behind the answer", async () => {
    const free = await drawn(options);
    await using session = engine.session();
    const rest = { sampling: any, ignoreEos: true, nPredict: 60 };
    const first = await session.chat({ ...rest, content: "mik", stopTokenIds: Int32Array.from(free.ids) }).result;
    expect(first.finishReason).toBe("stop");
    const second = await session.chat({ content: "mak", sampling: greedy, nPredict: 5 }).result;
    expect(second.usage.cachedTokens).toBeGreaterThan(0);
  });

  it.each([
    [[-1], /stopTokenIds/],
    [[1.5], /stopTokenIds/],
    [[1e9], /stopTokenIds must be from 0 to/],
    [Array.from({ length: 1025 }, () => 1), /1024/],
  ])("are refused by name: %o", async (stopTokenIds, message) => {
    const error = await errorOf(engine.complete({ prompt: "mik", stopTokenIds }).result);
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", message: expect.stringMatching(message) });
  });
});

describe("finish", () => {
  it("ends an answer as it is, read or not, with what it took", async () => {
    const { generatedTokens } = engine.stats();
    const read = engine.chat(endless);
    let told = 0;
    let result;
    for await (const event of read) {
      if (event.type === "text" && ++told === 3) read.finish();
      if (event.type === "done") result = event;
    }
    expect(result).toMatchObject({ finishReason: "time", stopString: "" });
    const unread = engine.chat({ ...endless, n: 2 });
    const before = engine.stats().generatedTokens;
    await until(() => engine.stats().generatedTokens > before + 10);
    unread.finish();
    unread.finish();
    const { choices } = await unread.result;
    const made = [result!, ...choices!].map(({ usage }) => usage.completionTokens);
    expect(Math.min(...made)).toBeGreaterThanOrEqual(3);
    expect(made.reduce((sum, each) => sum + each, 0)).toBe(engine.stats().generatedTokens - generatedTokens);
  });

  it("leaves an answer alone that is over", async () => {
    const generation = engine.chat({ ...endless, nPredict: 2 });
    const { finishReason } = await generation.result;
    generation.finish();
    expect([finishReason, (await generation.result).finishReason]).toEqual(["length", "length"]);
  });
});

describe("timeLimitMs", () => {
  let slow: Engine;
  beforeAll(async () => {
    slow = await Engine.load({
      model: mediumModel(),
      mmproj: null,
      nCtx: 4096,
      nThreads: 1,
      batchSize: 1,
      chatTemplate: "chatml",
    });
  });
  afterAll(() => slow.close());
  const idle = () => until(() => slow.stats().running + slow.stats().queued === 0);

  it("ends an answer as it is", async () => {
    const generation = slow.chat({ ...endless, timeLimitMs: 150 });
    const events = await collect(generation);
    const result = await generation.result;
    expect(result).toMatchObject({ finishReason: "time", stopString: "" });
    expect(result.usage.completionTokens).toBeGreaterThan(0);
    expect(result.timings.totalMs).toBeGreaterThanOrEqual(140);
    expect(events.map((event) => (event.type === "text" ? event.text : "")).join("")).toBe(result.text);
    expect(events.at(-1)).toEqual({ type: "done", ...result });
    await idle();
  });

  it("leaves a quicker answer alone", async () => {
    const { finishReason } = await slow.chat({ ...endless, nPredict: 2, timeLimitMs: 60_000 }).result;
    expect(finishReason).toBe("length");
  });

  it("ends a request that still waits, and all of its completions", async () => {
    const controller = new AbortController();
    const first = slow.chat({ ...endless, signal: controller.signal });
    const waiting = slow.chat({ ...endless, n: 3, timeLimitMs: 30 });
    const result = await waiting.result;
    expect(result).toMatchObject({ finishReason: "time", text: "", usage: { completionTokens: 0 } });
    expect(result.choices!.map(({ finishReason }) => finishReason)).toEqual(["time", "time", "time"]);
    expect(slow.stats().running).toBe(1);
    controller.abort();
    await errorOf(first.result);
    await idle();
  });

  it("ends a request whose reader has fallen behind", async () => {
    const generation = slow.chat({ ...endless, timeLimitMs: 1500 });
    const reader = generation[Symbol.asyncIterator]();
    await reader.next();
    await idle(); // paused or not, it is over
    for (let next = await reader.next(); next.done !== true; next = await reader.next());
    expect((await generation.result).finishReason).toBe("time");
  });

  it("ends a request in the middle of a long prompt", async () => {
    const { finishReason, usage } = await slow.complete({ prompt: "mik mak mek ".repeat(600), timeLimitMs: 60 }).result;
    expect([finishReason, usage.completionTokens]).toEqual(["time", 0]);
    await idle();
  });

  it("leaves a session as it was where it ends a turn in the middle of its prompt", async () => {
    await using other = await loadTiny({ nCtx: 8192, nCtxPerRequest: 4096, nBatch: 1024, nUbatch: 64 });
    const last = { sampling: greedy, nPredict: 6, ignoreEos: true };
    for (const timeLimitMs of [20, 45, 80]) {
      await using session = other.session();
      await session.chat({ content: "mik", nPredict: 4, ignoreEos: true, sampling: greedy }).result;
      const cut = await session.chat({ content: "What is a fever? ".repeat(400), sampling: greedy, timeLimitMs })
        .result;
      expect(cut.finishReason).toBe("time");
      const { text } = await session.chat({ content: "mak", ...last }).result;
      const messages = [...session.messages.slice(0, -1)];
      expect(text).toBe((await other.chat({ ...last, messages, cacheSalt: "fresh" }).result).text);
    }
  });

  it("counts while images are loaded, and gives up the load", async () => {
    let closed = false;
    const server = http.createServer((request) => request.socket.on("close", () => (closed = true))); // answers nothing
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const image = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/scan.png`);
    const generation = engine.chat({ messages: user("?"), images: [image], timeLimitMs: 50, n: 2 });
    const events = await collect(generation);
    const result = await generation.result;
    expect(result).toMatchObject({ finishReason: "time", text: "", usage: { promptTokens: 0 } });
    expect(result.choices).toHaveLength(2);
    expect(events.at(-1)).toEqual({ type: "done", ...result });
    await until(() => closed);
    server.close();
  });

  it("does not make a cut-off answer valid", async () => {
    const jsonSchema = { type: "string", minLength: 2000 } as const;
    const result = await slow.chat({ messages: user("?"), jsonSchema, timeLimitMs: 200 }).result;
    expect(result).toMatchObject({ finishReason: "time", parsed: undefined });
  });

  it("gives way to an abort, and to a closed engine", async () => {
    const signal = AbortSignal.timeout(20);
    expect(await errorOf(slow.chat({ ...endless, timeLimitMs: 5000, signal }).result)).toMatchObject({
      code: "ABORTED",
    });
    const other = await loadTiny();
    const closing = other.chat({ ...endless, timeLimitMs: 5000 });
    await other.close();
    expect(await errorOf(closing.result)).toMatchObject({ code: "CLOSED" });
  });

  it("holds for rows and turns", async () => {
    const options = { ignoreEos: true, timeLimitMs: 60 };
    const rows = await collect(slow.annotate([{ prompt: "a" }, { prompt: "b" }], options));
    expect(rows.map(({ finishReason }) => finishReason)).toEqual(["time", "time"]);
    await using session = slow.session();
    expect((await session.chat({ content: "a", ...options }).result).finishReason).toBe("time");
    const next = await session.chat({ content: "b", nPredict: 2, ignoreEos: true }).result;
    expect(next.usage.completionTokens).toBe(2);
    expect(session.messages).toHaveLength(4);
  });

  it.each([0, -1, 1.5, 2 ** 31, "1s"])("is refused by name: %o", async (timeLimitMs) => {
    const error = await errorOf(slow.chat({ ...endless, timeLimitMs } as never).result);
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", message: expect.stringContaining("timeLimitMs") });
  });
});
