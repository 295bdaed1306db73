/** What a browser is told that runs a page of another origin. */
import path from "node:path";

import { beforeAll, afterAll, describe, expect, test } from "vitest";

import { listen, type CorsOptions, type Listening } from "@medinfer/server";

import { bearer, keyOf, temporaryFolder } from "./support/keys.js";
import { model, post } from "./support/running.js";

const file = path.join(temporaryFolder(), "keys.json");
const key = keyOf(file, "page");
const page = "https://chat.hospital.example";
const chat = { model, messages: [{ role: "user", content: "What is gout?" }], max_tokens: 2 };

/** As openai's client makes a browser ask. */
const asked =
  "authorization,content-type,x-stainless-arch,x-stainless-lang,x-stainless-os,x-stainless-package-version," +
  "x-stainless-retry-count,x-stainless-runtime,x-stainless-runtime-version";

function serving(cors?: CorsOptions): () => string {
  let server: Listening;
  beforeAll(async () => {
    const models = [{ name: model, nThreads: 1, keepLoaded: true }];
    server = await listen({ models, port: 0, keys: file, ...(cors ? { cors } : {}) });
    await server.service.start();
  });
  afterAll(() => server.close());
  return () => `${server.url}/v1/chat/completions`;
}

// Node's fetch sends an Origin as it is given, and enforces nothing.
const preflight = (url: string, origin: string, headers: Record<string, string> = {}) =>
  fetch(url, {
    method: "OPTIONS",
    headers: { origin, "access-control-request-method": "POST", "access-control-request-headers": asked, ...headers },
  });
const cors = ({ headers }: Response) =>
  Object.fromEntries([...headers].filter(([name]) => name.startsWith("access-control-")));
const varies = ({ headers }: Response) => (headers.get("vary") ?? "").toLowerCase().split(/, */);

describe("origins that are named", () => {
  const url = serving({ origins: [page, "http://localhost:5173"] });

  test("a preflight is answered without a key, with the headers that were asked for", async () => {
    const response = await preflight(url(), page);
    expect([response.status, await response.text()]).toEqual([204, ""]);
    const headers = cors(response);
    expect(headers["access-control-allow-origin"]).toBe(page);
    expect(headers["access-control-allow-headers"]!.split(/, */)).toEqual(asked.split(","));
    expect(headers["access-control-allow-methods"]).toMatch(/\bPOST\b/);
    expect(Number(headers["access-control-max-age"])).toBeGreaterThan(0);
    expect(varies(response)).toEqual(
      expect.arrayContaining(["origin", "access-control-request-headers", "access-control-request-method"]),
    );
  });

  test("an answer may be read, streamed or not, with the headers that clients need", async () => {
    for (const stream of [false, true]) {
      const response = await post(url(), { ...chat, stream }, { headers: { origin: page, ...bearer(key) } });
      await response.text();
      expect(response.status).toBe(200);
      expect(response.headers.get("access-control-allow-origin")).toBe(page);
      expect(varies(response)).toContain("origin");
      const exposed = response.headers.get("access-control-expose-headers")!.split(", ");
      for (const name of [
        "x-request-id",
        "retry-after",
        "x-should-retry",
        "x-ratelimit-remaining-tokens",
        "x-ratelimit-reset-requests",
      ]) {
        expect(exposed).toContain(name);
      }
    }
  });

  test("an error may be read as well: of a key, a body, a path", async () => {
    const origin = { origin: page };
    for (const [response, status] of [
      [await post(url(), chat, { headers: origin }), 401],
      [await post(url(), {}, { headers: { ...origin, ...bearer(key) } }), 400],
      [await fetch(`${url()}/none`, { headers: origin }), 404],
      [await fetch(url(), { headers: origin }), 405],
    ] as const) {
      expect([response.status, response.headers.get("access-control-allow-origin")]).toEqual([status, page]);
    }
  });

  test("each has itself told, and no other", async () => {
    const response = await preflight(url(), "http://localhost:5173");
    expect(cors(response)["access-control-allow-origin"]).toBe("http://localhost:5173");
  });

  test.each([
    "https://evil.example",
    "null",
    `${page}.evil.example`,
    "http://chat.hospital.example",
    `${page}:8443`,
    "https://evil.example/https://chat.hospital.example",
    "https://CHAT.hospital.example",
  ])("%s is told nothing, and not reflected", async (origin) => {
    for (const response of [
      await preflight(url(), origin),
      await post(url(), chat, { headers: { origin, ...bearer(key) } }),
    ]) {
      expect(cors(response)).toEqual({});
      // A cache must not give this answer to a page that may read it.
      expect(varies(response)).toContain("origin");
    }
  });

  test("credentials are never allowed: keys are headers", async () => {
    const response = await preflight(url(), page);
    expect(cors(response)).not.toHaveProperty("access-control-allow-credentials");
  });

  test("pages of public sites do not reach it in a private network", async () => {
    const response = await preflight(url(), page, { "access-control-request-private-network": "true" });
    expect(cors(response)).not.toHaveProperty("access-control-allow-private-network");
  });

  test("without an origin nothing is said", async () => {
    const response = await post(url(), chat, { headers: bearer(key) });
    expect(cors(response)).toEqual({});
    expect(varies(response)).toContain("origin");
  });
});

describe("no origin at all, where nothing is said", () => {
  const url = serving();
  test.each([page, "http://localhost:5173", "null"])("%s", async (origin) => {
    const response = await preflight(url(), origin);
    expect([response.status, cors(response)]).toEqual([204, {}]);
    expect(cors(await post(url(), chat, { headers: { origin, ...bearer(key) } }))).toEqual({});
  });
});

describe("any origin", () => {
  const url = serving({ origins: ["*"], allowPrivateNetwork: true });

  test("is told so with a star, and Authorization by its name", async () => {
    const headers = cors(await preflight(url(), "https://anything.example"));
    expect(headers["access-control-allow-origin"]).toBe("*");
    expect(headers["access-control-allow-headers"]).toContain("authorization");
    expect(headers).not.toHaveProperty("access-control-allow-credentials");
  });

  test("a private network only where its browser asks", async () => {
    const told = async (headers?: Record<string, string>) =>
      cors(await preflight(url(), page, headers))["access-control-allow-private-network"];
    expect(await told({ "access-control-request-private-network": "true" })).toBe("true");
    expect(await told()).toBeUndefined();
  });
});
