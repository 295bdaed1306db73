/** Models that come and go: the budget of memory, idle models, names, and Open WebUI's calls. */
import { setTimeout as sleep } from "node:timers/promises";

import { afterEach, describe, expect, test } from "vitest";

import { listen, type Listening, type ListenOptions } from "@medinfer/server";

import { randomModel, tinyModel } from "../../../test/support/random-model.mjs";
import { eventsOf, post, type Json } from "./support/running.js";
import { until } from "./support/until.js";

let server: Listening | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

const small = { model: tinyModel(), chatTemplate: "vicuna", nThreads: 1, nCtx: 256 };

async function start(options: Partial<ListenOptions>): Promise<Listening> {
  server = await listen({ models: [], port: 0, drainMs: 500, ...options });
  await server.service.start();
  return server;
}

const ask = ({ url }: Listening, model: string, more: Json = {}) =>
  post(`${url}/v1/chat/completions`, {
    model,
    messages: [{ role: "user", content: "Hi" }],
    max_tokens: 2,
    ...more,
  });

async function asked(at: Listening, model: string): Promise<number> {
  const response = await ask(at, model);
  await response.text();
  return response.status;
}

const states = ({ service }: Listening) => service.models.models.map((each) => each.state);

/** Bytes of one small model, as its engine measures them. */
async function bytesOfOne(): Promise<number> {
  const at = await start({ models: [{ name: "a", ...small, keepLoaded: true }] });
  const [{ bytes } = { bytes: 0 }] = at.service.models.models;
  await at.close();
  expect(bytes).toBeGreaterThan(1e6);
  return bytes;
}

const three = ["a", "b", "c"].map((name) => ({ name, ...small }));

describe("within a budget of bytes", () => {
  test.each([
    ["keeps no pages beside its pool, which would not be counted", {}, false],
    ["keeps those that it is told to", { kv: { hostCacheBytes: 1e8 } }, true],
  ])("a model %s", async (_, more, keeps) => {
    const at = await start({ models: [{ name: "a", ...small, ...more }], memoryBudget: 1e9 });
    for (const letter of "abcdefgh") {
      const messages = [{ role: "user", content: `${letter} `.repeat(40) }];
      expect((await ask(at, "a", { messages })).status).toBe(200);
    }
    const { kv } = at.service.models.find("a").engine!.stats();
    expect(kv.pagesEvicted).toBeGreaterThan(0);
    expect(kv.hostPages > 0).toBe(keeps);
  });

  test("the model unused for longest goes first, and comes back when it is asked for", async () => {
    const memoryBudget = 2.5 * (await bytesOfOne());
    const at = await start({ models: three, memoryBudget });
    expect(states(at)).toEqual(["unloaded", "unloaded", "unloaded"]);
    expect(await asked(at, "a")).toBe(200);
    expect(await asked(at, "b")).toBe(200);
    expect(await asked(at, "a")).toBe(200);
    expect(await asked(at, "c")).toBe(200);
    expect(states(at)).toEqual(["loaded", "unloaded", "loaded"]);
    expect(await asked(at, "b")).toBe(200);
    expect(states(at)).toEqual(["unloaded", "loaded", "loaded"]);
  });

  test("a model in use stays, and one that is to be kept loaded, too", async () => {
    const memoryBudget = 2.5 * (await bytesOfOne());
    const at = await start({ models: [{ ...three[0]!, keepLoaded: true }, ...three.slice(1)], memoryBudget });
    const lease = await at.service.models.use("b", "generate");
    const waiting = asked(at, "c");
    await sleep(300);
    expect(states(at)).toEqual(["loaded", "loaded", "unloaded"]);
    lease.release();
    expect(await waiting).toBe(200);
    expect(states(at)).toEqual(["loaded", "unloaded", "loaded"]);
  });

  test("requests at once for more models than fit are all answered", async () => {
    const memoryBudget = 1.5 * (await bytesOfOne());
    const at = await start({ models: three, memoryBudget });
    const many = Array.from({ length: 12 }, (_, i) => asked(at, "abc"[i % 3]!));
    expect(await Promise.all(many)).toEqual(many.map(() => 200));
    expect(states(at).filter((state) => state === "loaded")).toHaveLength(1);
  });

  test("a model that can never fit is refused, and nobody makes room for it", async () => {
    const one = await bytesOfOne();
    const large = { name: "large", ...small, model: randomModel("llama", { type: "f32", ff: 4096 }) };
    const at = await start({ models: [...three, large], memoryBudget: 2.2 * one });
    expect(await asked(at, "a")).toBe(200);
    const response = await ask(at, "large");
    expect([response.status, response.headers.get("x-should-retry")]).toEqual([503, "false"]);
    expect(((await response.json()) as Json).error.code).toBe("memory_budget");
    expect(states(at)).toEqual(["loaded", "unloaded", "unloaded", "unloaded"]);
  });

  test("a model whose size shows only when it is loaded is unloaded again", async () => {
    const one = await bytesOfOne();
    // Its KV pool is larger than its file.
    const at = await start({ models: [...three, { name: "long", ...small, nCtx: 65536 }], memoryBudget: 2.2 * one });
    for (let i = 0; i < 2; i++) expect(await asked(at, "long")).toBe(503);
    expect(states(at)[3]).toBe("unloaded");
    expect(await asked(at, "a")).toBe(200);
  });
});

test("a model that nobody uses is unloaded after a while; one in use, and one to be kept, are not", async () => {
  const at = await start({ models: [{ ...three[0]!, keepLoaded: true }, ...three.slice(1)], unloadAfterMs: 200 });
  const lease = await at.service.models.use("b", "generate");
  expect(await asked(at, "c")).toBe(200);
  await until(() => states(at)[2] === "unloaded");
  expect(states(at)).toEqual(["loaded", "loaded", "unloaded"]);
  lease.release();
  await until(() => states(at)[1] === "unloaded");
  expect(states(at)[0]).toBe("loaded");
  expect(await asked(at, "c")).toBe(200);
});

test("whileLoading: refuse answers 503 with Retry-After until the model is there", async () => {
  const at = await start({ models: three, whileLoading: "refuse" });
  const first = await ask(at, "a");
  expect([first.status, first.headers.get("retry-after")]).toEqual([503, "2"]);
  expect(((await first.json()) as Json).error.code).toBe("model_loading");
  await until(() => states(at)[0] === "loaded");
  expect(await asked(at, "a")).toBe(200);
});

describe("names", () => {
  const models = [
    { ...three[0]!, name: "org/model:q4", aliases: ["gpt-4", "x/y"] },
    { ...three[1]!, name: "plain" },
  ];

  test("unknown ones are 404, aliases and slashes work", async () => {
    const at = await start({ models });
    expect(await asked(at, "none")).toBe(404);
    for (const name of ["gpt-4", "x/y", "org/model:q4"]) {
      const response = await ask(at, name);
      expect(((await response.json()) as Json).model).toBe("org/model:q4");
    }
    for (const path of ["org%2Fmodel:q4", "org/model:q4", "org%2Fmodel%3Aq4", "gpt-4", "x%2Fy"]) {
      const response = await fetch(`${at.url}/v1/models/${path}`);
      expect([response.status, ((await response.json()) as Json).id]).toEqual([200, "org/model:q4"]);
    }
    expect((await fetch(`${at.url}/v1/models/org`)).status).toBe(404);
    const { data } = (await (await fetch(`${at.url}/v1/models`)).json()) as Json;
    expect(data.map(({ id }: Json) => id)).toEqual(["org/model:q4", "plain"]);
  });

  test("that two models share are refused at the start", async () => {
    await expect(start({ models: [models[0]!, { ...models[1]!, aliases: ["gpt-4"] }] })).rejects.toThrow(RangeError);
  });
});

describe("Open WebUI's calls", () => {
  const statuses = async (at: Listening) =>
    ((await (await fetch(`${at.url}/models`)).json()) as Json).data.map(({ id, status }: Json) => [id, status.value]);

  test("load and unload models, by their names or aliases", async () => {
    const at = await start({ models: [{ ...three[0]!, aliases: ["first"] }, three[1]!] });
    expect(await statuses(at)).toEqual([
      ["a", "unloaded"],
      ["b", "unloaded"],
    ]);
    const load = await post(`${at.url}/models/load`, { model: "first" });
    expect([load.status, await load.json()]).toEqual([200, { success: true }]);
    expect(await statuses(at)).toContainEqual(["a", "loaded"]);
    const unload = await post(`${at.url}/models/unload`, { model: "a" });
    expect([unload.status, await unload.json()]).toEqual([200, { success: true }]);
    expect(await statuses(at)).toContainEqual(["a", "unloaded"]);
    expect((await post(`${at.url}/models/load`, { model: "none" })).status).toBe(404);
    expect((await post(`${at.url}/models/unload`, {})).status).toBe(400);
    // The next request loads it again.
    expect(await asked(at, "a")).toBe(200);
  });

  test("a model that idled away sleeps", async () => {
    const at = await start({ models: three.slice(0, 1), unloadAfterMs: 100 });
    expect(await asked(at, "a")).toBe(200);
    await until(() => states(at)[0] === "unloaded");
    expect(await statuses(at)).toEqual([["a", "sleeping"]]);
  });

  test("an unload ends what runs on the model, and says so in its stream", async () => {
    const at = await start({ models: three.slice(0, 1) });
    const more = { stream: true, max_tokens: 250, ignore_eos: true };
    const streams = await Promise.all(Array.from({ length: 8 }, () => ask(at, "a", more)));
    const ends = streams.map((each) => each.text().catch(() => "broken"));
    expect((await post(`${at.url}/models/unload`, { model: "a" })).status).toBe(200);
    for (const text of await Promise.all(ends)) {
      expect(text === "broken" || text.includes('finish_reason":"length') || text.includes('"error"')).toBe(true);
    }
    expect(states(at)).toEqual(["unloaded"]);
  });

  test("changes come as events, to each listener, until the server ends", async () => {
    const at = await start({ models: three.slice(0, 2) });
    const listeners = await Promise.all([1, 2].map(() => fetch(`${at.url}/models/sse`)));
    expect(listeners[0]!.headers.get("content-type")).toContain("text/event-stream");
    const gone = new AbortController();
    const left = await fetch(`${at.url}/models/sse`, { signal: gone.signal });
    expect(left.status).toBe(200);
    gone.abort();
    await post(`${at.url}/models/load`, { model: "b" });
    await post(`${at.url}/models/unload`, { model: "b" });
    const before = performance.now();
    const closing = at.close();
    for (const listener of listeners) {
      const events = (await eventsOf(listener)).map((each) => JSON.parse(each));
      for (const event of events) expect(event.event).toBe("model_status");
      const told = events.map(({ model, data }) => `${model} ${data.status}`);
      expect(told.slice(0, 2)).toEqual(["a unloaded", "b unloaded"]);
      expect(told.slice(2)).toEqual(expect.arrayContaining(["b loading", "b loaded", "b unloaded"]));
    }
    await closing;
    expect(performance.now() - before).toBeLessThan(500); // they do not hold the end up
    expect(at.service.models.listenerCount("change")).toBe(1);
  });
});
