/** Limits of tenants, and turns at a model that is full: at a real server. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { createService, type TenantTerms } from "@medinfer/server";

import { Bucket } from "../src/people/bucket.js";
import { bearer, keyOf, temporaryFolder } from "./support/keys.js";
import { model, post, running, type Json } from "./support/running.js";
import { until } from "./support/until.js";

const file = path.join(temporaryFolder(), "keys.json");
const tenants = {
  few: { requestsPerMinute: 3 },
  short: { tokensPerMinute: 60 },
  streamed: { tokensPerMinute: 60 },
  several: { tokensPerMinute: 40 },
  severalStreamed: { tokensPerMinute: 40 },
  single: { requestsAtOnce: 1 },
  large: { share: 1, requestsAtOnce: 40 },
  small: {},
} satisfies Record<string, TenantTerms>;
const keys = Object.fromEntries(Object.keys(tenants).map((name) => [name, keyOf(file, name)]));
const secondKey = keyOf(file, "few-2", { tenant: "few" });
const operator = keyOf(file, "operator", { roles: ["admin"] });
writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), tenants }));

const { url, server } = running({
  keys: file,
  models: [{ name: model, nThreads: 1, batchSize: 1, maxQueue: 30, keepLoaded: true }],
  drainMs: 50, // less than what an answer that does not end takes
});
const chat = { model, messages: [{ role: "user", content: "What is gout?" }], max_tokens: 8, temperature: 0 };
const ask = (key: string, body: object = {}, signal?: AbortSignal) =>
  post(`${url()}/v1/chat/completions`, { ...chat, ...body }, { headers: bearer(key), ...(signal ? { signal } : {}) });
const endless = { stream: true, max_tokens: 3000, ignoreEos: true, maxDraftTokens: 0 };

const usage = async (): Promise<Record<string, { requests: number; waiting: number }>> => {
  const response = await fetch(`${url()}/admin/tenants`, { headers: bearer(operator) });
  const { data } = (await response.json()) as Json;
  return Object.fromEntries(data.map((each: Json) => [each.tenant, each]));
};
const idle = { requests: 0, waiting: 0 };

async function refused(response: Response): Promise<number> {
  const { error } = (await response.json()) as Json;
  expect([response.status, error.type]).toEqual([429, "rate_limit_error"]);
  const after = Number(response.headers.get("retry-after"));
  expect(after).toBeGreaterThanOrEqual(1);
  expect(after).toBeLessThanOrEqual(60);
  return after;
}

test.each([
  { timeLimitMs: 0 },
  { timeLimitMs: -1 },
  { timeLimitMs: Infinity },
  { timeLimitMs: "600" as unknown as number },
  { defaultMaxTokens: 0 },
  { defaultMaxTokens: -1 },
  { defaultMaxTokens: 1.5 },
])("%j, with which every request would fail, is refused at the start", (wrong) => {
  const [name] = Object.keys(wrong);
  const message = expect.stringMatching(`^${name} must be an integer from 1 to `);
  const refusal = expect.objectContaining({ code: "INVALID_ARGUMENT", message });
  expect(() => createService({ models: [{ name: model }], ...wrong })).toThrow(refusal);
});

describe("limits", () => {
  test("requests a minute, of all keys of a tenant together", async () => {
    const left: string[] = [];
    for (const key of [keys.few!, secondKey, keys.few!]) {
      const response = await ask(key);
      expect(response.status).toBe(200);
      expect(response.headers.get("x-ratelimit-limit-requests")).toBe("3");
      left.push(response.headers.get("x-ratelimit-remaining-requests")!);
      await response.text();
    }
    expect(left).toEqual(["2", "1", "0"]);
    const fourth = await ask(secondKey);
    expect(fourth.headers.get("x-ratelimit-remaining-requests")).toBe("0");
    expect(fourth.headers.get("x-ratelimit-reset-requests")).toMatch(/^(5\ds|1m0s)$/);
    expect(fourth.headers.get("x-ratelimit-limit-tokens")).toBeNull();
    expect(await refused(fourth)).toBeLessThanOrEqual(20);
    expect((await ask(keys.small!)).status).toBe(200);
  });

  test("tokens a minute: an answer that overdraws them is the last for a while", async () => {
    const first = await ask(keys.short!, { max_tokens: 100, ignoreEos: true });
    expect(first.headers.get("x-ratelimit-remaining-tokens")).toBe("60");
    const { total_tokens: used } = ((await first.json()) as Json).usage;
    expect(used).toBeGreaterThan(100);
    const second = await ask(keys.short!);
    expect(second.headers.get("x-ratelimit-limit-tokens")).toBe("60");
    expect(second.headers.get("x-ratelimit-remaining-tokens")).toBe("0");
    expect(await refused(second)).toBeGreaterThan(30);
  });

  test("tokens of a stream count as well, and a refused request holds no place", async () => {
    await refused(await ask(keys.short!));
    await (await ask(keys.streamed!, { stream: true, max_tokens: 100, ignoreEos: true })).text();
    await refused(await ask(keys.streamed!, { stream: true }));
    expect(await usage()).toMatchObject({ short: idle, streamed: idle });
  });

  test("tokens of all choices count", async () => {
    const answer = await ask(keys.several!, { n: 4, ignoreEos: true });
    expect(((await answer.json()) as Json).usage.completion_tokens).toBe(4 * chat.max_tokens);
    await refused(await ask(keys.several!));
    await (await ask(keys.severalStreamed!, { n: 4, ignoreEos: true, stream: true })).text();
    await refused(await ask(keys.severalStreamed!));
  });

  test("requests at once: freed when one ends or its client goes", async () => {
    const controller = new AbortController();
    const first = await ask(keys.single!, endless, controller.signal);
    await refused(await ask(keys.single!));
    expect((await usage()).single).toMatchObject({ requests: 1, waiting: 0 });
    controller.abort();
    await first.text().catch(() => {});
    await until(async () => (await usage()).single!.requests === 0, 15_000);
    expect((await ask(keys.single!)).status).toBe(200);
    expect((await ask(keys.single!, { max_tokens: 0 })).status).toBe(400);
    expect((await ask(keys.single!, { messages: [{ role: "user", content: "x ".repeat(9000) }] })).status).toBe(400);
    expect((await ask(keys.single!)).status).toBe(200);
  });

  test("change with the file, and what was used stays used", async () => {
    await refused(await ask(keys.few!));
    const content = JSON.parse(readFileSync(file, "utf8")) as { tenants: Record<string, TenantTerms> };
    content.tenants.few = { requestsPerMinute: 100 };
    writeFileSync(file, JSON.stringify(content));
    let answer = await ask(keys.few!);
    await until(async () => (answer = await ask(keys.few!)).status === 200, 15_000);
    expect(answer.headers.get("x-ratelimit-limit-requests")).toBe("100");
    expect(Number(answer.headers.get("x-ratelimit-remaining-requests"))).toBeLessThanOrEqual(98);
  });

  test("none without entries", async () => {
    const response = await ask(keys.small!);
    expect([...response.headers.keys()].filter((name) => name.startsWith("x-ratelimit"))).toEqual([]);
  });
});

describe("turns at a full model", () => {
  test("a flood of one tenant lets another through: it has not to wait for all of it", async () => {
    const ended: string[] = [];
    const one = async (tenant: "large" | "small") => {
      const response = await ask(keys[tenant]!, { max_tokens: 20, ignoreEos: true });
      await response.text();
      expect(response.status).toBe(200);
      ended.push(tenant);
    };
    // Two that do not end take the places: the engine holds two for each that it runs, and the others wait here.
    const plugs = [new AbortController(), new AbortController()];
    const plugged = plugs.map(({ signal }) => ask(keys.large!, endless, signal).catch(() => {}));
    await until(async () => (await usage()).large?.requests === 2, 15_000);
    const flood = Array.from({ length: 20 }, () => one("large"));
    await until(async () => (await usage()).large!.waiting === 20, 15_000);
    const late = [one("small"), one("small")];
    await until(async () => (await usage()).small!.waiting === 2, 15_000);
    const { queued, running: runs } = server().service.models.find(model).engine!.stats();
    expect(queued + runs).toBe(2);
    for (const each of plugs) each.abort();
    await Promise.all([...plugged, ...late, ...flood]);
    expect(ended.lastIndexOf("small")).toBeLessThan(6);
    await until(async () => (await usage()).large!.requests === 0, 15_000);
    expect(await usage()).toMatchObject({ large: idle, small: idle });
  });

  test("those who go away while they wait leave, and hold nothing", async () => {
    const controllers = Array.from({ length: 10 }, () => new AbortController());
    const asked = controllers.map(({ signal }) => ask(keys.large!, endless, signal).catch(() => {}));
    await until(async () => (await usage()).large!.waiting === 8, 15_000);
    for (const each of controllers.slice(0, 5)) each.abort();
    await until(async () => (await usage()).large!.requests === 5, 15_000);
    for (const each of controllers) each.abort();
    await Promise.all(asked);
    await until(async () => (await usage()).large!.requests === 0, 15_000);
    expect((await ask(keys.large!)).status).toBe(200);
  });

  test("too many that wait: 429, for their tenant alone", async () => {
    const controllers = Array.from({ length: 33 }, () => new AbortController());
    const asked = controllers.map(({ signal }) => ask(keys.large!, endless, signal).catch(() => undefined));
    await until(async () => (await usage()).large!.waiting === 30, 15_000);
    const full = await ask(keys.large!);
    expect(((await full.clone().json()) as Json).error.code).toBe("queue_full");
    await refused(full);
    const other = ask(keys.small!);
    await until(async () => (await usage()).small!.waiting === 1, 15_000);
    for (const each of controllers) each.abort();
    await Promise.all(asked);
    expect((await other).status).toBe(200);
  });

  test("the server's end ends the waiting", async () => {
    const controller = new AbortController();
    // Two take the places. Whichever streams by then is told in its stream; all others have a status.
    const streams = [0, 1].map(() => ask(keys.large!, endless, controller.signal));
    await until(async () => (await usage()).large?.requests === 2, 15_000);
    const others = [0, 1, 2, 3].map(() => ask(keys.large!, { ...endless, stream: false }, controller.signal));
    const asked = [...streams, ...others];
    await until(async () => (await usage()).large!.waiting === 4, 15_000);
    const closing = server().close();
    const ended = await Promise.all(
      asked.map((each) => each.then((response) => response.text().then(() => response.status)).catch(() => "broken")),
    );
    await closing;
    expect(ended.slice(2)).toEqual([503, 503, 503, 503]);
    expect(ended.slice(0, 2)).toContain("broken");
    for (const each of ended.slice(0, 2)) expect(["broken", 503]).toContain(each);
  });
});

describe("a bucket", () => {
  const uses = fc.array(fc.record({ afterMs: fc.nat(20_000), units: fc.integer({ min: 1, max: 30 }) }), {
    maxLength: 60,
  });

  test("lets at most what it holds and what a time refills through", () => {
    fc.assert(
      fc.property(fc.integer({ min: 30, max: 100 }), uses, (perMinute, all) => {
        let now = 0;
        let through = 0;
        const bucket = new Bucket(perMinute, now);
        for (const { afterMs, units } of all) {
          now += afterMs;
          if (bucket.msUntil(units, now) === 0) {
            bucket.take(units, now);
            through += units;
          }
          expect(through).toBeLessThanOrEqual(perMinute + (perMinute * now) / 60_000 + 1e-6);
          expect(bucket.level(now)).toBeLessThanOrEqual(perMinute);
        }
      }),
    );
  });

  test("has what it says after the time that it says, overdrawn or not", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fc.nat(500), (perMinute, used) => {
        const bucket = new Bucket(perMinute, 0);
        bucket.take(used, 0);
        const wait = bucket.msUntil(1, 0);
        expect(bucket.level(wait)).toBeGreaterThanOrEqual(Math.min(1, perMinute) - 1e-6);
      }),
    );
  });

  test("keeps what was used when its limit changes", () => {
    const bucket = new Bucket(100, 0);
    bucket.take(90, 0);
    bucket.resize(50, 0);
    expect(bucket.level(0)).toBe(-40);
    expect(bucket.level(120_000)).toBe(50);
  });
});
