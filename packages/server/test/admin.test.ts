/** Administrators' calls at a place of their own. */
import { once } from "node:events";
import { statSync } from "node:fs";
import { createServer, request, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { text } from "node:stream/consumers";

import { afterAll, describe, expect, test } from "vitest";

import { createService, listen, type Listening, type ListenOptions } from "@medinfer/server";

import { bearer, keyOf, temporaryFolder } from "./support/keys.js";
import { model, type Json } from "./support/running.js";

const folder = temporaryFolder();
const file = path.join(folder, "keys.json");
const user = keyOf(file, "user");
const operator = keyOf(file, "operator", { roles: ["user", "admin"] });

const open: Listening[] = [];
afterAll(() => Promise.all(open.map((each) => each.close())));

async function serve(options: Partial<ListenOptions>): Promise<Listening> {
  const server = await listen({ models: [{ name: model }], port: 0, keys: file, ...options });
  open.push(server);
  await server.service.start();
  return server;
}

const status = async (url: string, key: string) => (await fetch(url, { headers: bearer(key) })).status;
const paths = async (url: string) => Object.keys(((await (await fetch(`${url}/openapi.json`)).json()) as Json).paths);

test("at one place where nothing is said", async () => {
  const { url, adminUrl } = await serve({});
  expect(adminUrl).toBeUndefined();
  expect(await status(`${url}/admin/tenants`, operator)).toBe(200);
  expect(await paths(url)).toEqual(expect.arrayContaining(["/admin/tenants", "/v1/models"]));
});

describe("at another port", () => {
  test("they are there alone, with keys, and the others are not", async () => {
    const { url, adminUrl } = await serve({ admin: { port: 0 } });
    expect(adminUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(await status(`${adminUrl}/admin/tenants`, operator)).toBe(200);
    expect(await status(`${adminUrl}/admin/tenants`, user)).toBe(403);
    expect(await status(`${adminUrl}/admin/tenants`, "wrong")).toBe(401);
    expect(await status(`${adminUrl}/v1/models`, operator)).toBe(404);
    expect(await status(`${url}/admin/tenants`, operator)).toBe(404);
    expect(await status(`${url}/v1/models`, operator)).toBe(200);
    for (const each of [url, adminUrl]) expect(await status(`${each}/health`, "none")).toBe(200);
    expect(await paths(url)).not.toContain("/admin/tenants");
    expect(await paths(adminUrl!)).toEqual(expect.arrayContaining(["/admin/tenants", "/health"]));
    expect(await paths(adminUrl!)).not.toContain("/v1/models");
  });

  test("both end together", async () => {
    const { url, adminUrl, close } = await serve({ admin: { port: 0 } });
    await close();
    for (const each of [url, adminUrl]) await expect(fetch(`${each}/health`)).rejects.toThrow();
  });

  test("one that is taken: nothing is left that listens", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as AddressInfo;
    const free = createServer().listen(0, "127.0.0.1");
    await once(free, "listening");
    const { port: first } = free.address() as AddressInfo;
    await new Promise((resolve) => free.close(resolve));
    const failed = listen({ models: [{ name: model }], port: first, admin: { port } });
    await expect(failed).rejects.toMatchObject({ code: "EADDRINUSE" });
    await expect(fetch(`http://127.0.0.1:${first}/health`)).rejects.toThrow();
    await new Promise((resolve) => taken.close(resolve));
  });
});

test.skipIf(process.platform === "win32")("at a Unix socket, which is its owner's", async () => {
  const socketPath = path.join(folder, "admin.sock");
  const { url, adminUrl } = await serve({ admin: { socket: socketPath } });
  expect(adminUrl).toBe(socketPath);
  expect(statSync(socketPath).mode & 0o022).toBe(0);
  const sent = request({ socketPath, path: "/admin/tenants", headers: bearer(operator) });
  sent.end();
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  expect([response.statusCode, JSON.parse(await text(response))]).toEqual([200, { data: [] }]);
  expect(await status(`${url}/admin/tenants`, operator)).toBe(404);
});

test("a service that is mounted gives both as listeners", async () => {
  const service = createService({ models: [{ name: model }], keys: file, adminApart: true });
  const answered = async (listener: Parameters<typeof createServer>[1]) => {
    const server = createServer(listener as never).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const found = await status(`http://127.0.0.1:${port}/admin/tenants`, operator);
    server.closeAllConnections();
    server.close();
    return found;
  };
  expect(await answered(service.adminListener as never)).toBe(200);
  expect(await answered(service.listener as never)).toBe(404);
  await service.close();
  const whole = createService({ models: [{ name: model }] });
  expect(whole.adminListener).toBeUndefined();
  await whole.close();
});
