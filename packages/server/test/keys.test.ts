/** Keys with roles and tenants: who may ask, and what tenants share. */
import { randomBytes } from "node:crypto";
import { readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";

import { describe, expect, test } from "vitest";

import { addKey, createService, listen, readKeys, revokeKey, type KeyFile } from "@medinfer/server";

import { fromRoot } from "../../../test/support/paths.mjs";
import { cacheSaltOf } from "../src/people/key-ring.js";
import { bearer, keyOf, temporaryFolder } from "./support/keys.js";
import { model, post, running, type Json } from "./support/running.js";
import { until } from "./support/until.js";

const folder = temporaryFolder();
const file = path.join(folder, "keys.json");
const ward3 = keyOf(file, "ward-3", { tenant: "cardiology" });
const ward4 = keyOf(file, "ward-4", { tenant: "cardiology" });
const other = keyOf(file, "dermatology");
const operator = keyOf(file, "operator", { roles: ["admin"] });

const warnings: string[] = [];
const { url, server } = running({
  keys: file,
  models: [{ name: model, nThreads: 1, keepLoaded: true }],
  logTo: { write: (line) => void warnings.push(line) },
});
const path_ = () => `${url()}/v1/chat/completions`;
const chat = { model, messages: [{ role: "user", content: "What is gout?" }], max_tokens: 4, temperature: 0 };
const ask = (key: string | undefined, body: object = chat) =>
  post(path_(), body, { headers: key === undefined ? {} : bearer(key) });

describe("who may ask", () => {
  test("holders of a key, sent in one of three ways", async () => {
    expect((await ask(ward3)).status).toBe(200);
    expect((await post(path_(), chat, { headers: { authorization: `bearer  ${ward3}` } })).status).toBe(200);
    expect((await post(path_(), chat, { headers: { "x-api-key": ward3 } })).status).toBe(200);
  });

  test.each([
    ["no key", {}],
    ["a wrong key", bearer("mi-wrong")],
    ["a key's digest", bearer(readKeys(file).keys[0]!.sha256!)],
    ["a key with something behind it", bearer(`${ward3}x`)],
    ["a key's beginning", bearer(ward3.slice(0, -1))],
    ["another scheme", { authorization: `Basic ${ward3}` }],
    ["no scheme", { authorization: ward3 }],
    ["an empty key", { authorization: "Bearer " }],
    ["a name", bearer("ward-3")],
  ])("%s: 401, which names the scheme and repeats nothing", async (_name, headers) => {
    const response = await post(path_(), chat, { headers: headers as Record<string, string> });
    const text = await response.text();
    expect([response.status, response.headers.get("www-authenticate")]).toEqual([401, "Bearer"]);
    expect(JSON.parse(text).error).toMatchObject({ type: "authentication_error", code: "invalid_api_key" });
    for (const value of Object.values(headers)) expect(text).not.toContain(value.replace(/^\w+ /, "") || "∅");
  });

  test("a role that is lacking: 403, either way", async () => {
    const asOperator = await ask(operator);
    expect([asOperator.status, ((await asOperator.json()) as Json).error.type]).toEqual([403, "permission_error"]);
    const tenants = `${url()}/admin/tenants`;
    expect((await fetch(tenants, { headers: bearer(ward3) })).status).toBe(403);
    expect((await fetch(tenants, { headers: bearer(operator) })).status).toBe(200);
  });

  test("everybody, of health and of the API's document", async () => {
    for (const each of ["/health", "/openapi.json"]) expect((await fetch(url() + each)).status).toBe(200);
    expect((await fetch(`${url()}/v1/models`)).status).toBe(401);
  });

  test("a stream of another tenant is not there", async () => {
    const response = await ask(ward3, { ...chat, stream: true, resumable: true });
    const [, id] = /"id":"([^"]+)"/.exec(await response.text())!;
    const at = (key: string) => fetch(`${url()}/v1/streams/${id}`, { headers: bearer(key) });
    expect((await at(other)).status).toBe(404);
    expect((await at(ward4)).status).toBe(200);
  });
});

describe("the prefix cache", () => {
  const long = "You are a careful assistant for a ward of a hospital. ".repeat(12);
  const cached = async (key: string, more: object = {}) => {
    const response = await ask(key, { ...chat, messages: [{ role: "user", content: long }], ...more });
    return ((await response.json()) as Json).usage?.prompt_tokens_details.cached_tokens as number;
  };
  const hits = () => server().service.models.find(model).engine!.stats().kv.prefixHits;

  test("is shared by a tenant's keys and by nobody else", async () => {
    expect(await cached(ward3)).toBeLessThan(20); // how every prompt begins
    const before = hits();
    expect(await cached(other)).toBe(0);
    expect(hits()).toBe(before);
    expect(await cached(ward3)).toBeGreaterThan(50);
    expect(await cached(ward4)).toBeGreaterThan(50);
    expect(hits()).toBe(before + 2);
  });

  test.each(["cacheSalt", "cache_salt"])("has no salt of the caller's choice: %s is refused", async (name) => {
    const response = await ask(other, { ...chat, [name]: "x" });
    expect([response.status, ((await response.json()) as Json).error.param]).toEqual([400, "(…)"]);
  });
});

describe("the secret of the salts", () => {
  test("is the file beside the keys, and has to be long", async () => {
    const own = path.join(folder, "salted.json");
    keyOf(own, "a");
    writeFileSync(`${own}.secret`, randomBytes(31));
    expect(() => createService({ models: [{ name: model }], keys: own })).toThrow(/at least 32 bytes/);
    writeFileSync(`${own}.secret`, randomBytes(32));
    const service = createService({ models: [{ name: model }], keys: own });
    await service.close();
  });

  test("makes a salt of each tenant's name that is always the same", () => {
    const [secret, another] = [randomBytes(32), randomBytes(32)];
    const salts = [cacheSaltOf(secret, "a"), cacheSaltOf(secret, "b"), cacheSaltOf(another, "a")];
    expect(new Set(salts).size).toBe(3);
    expect(cacheSaltOf(secret, "a")).toBe(salts[0]);
  });
});

describe("the file of keys", () => {
  test("is in the guide as a server takes it", () => {
    const guide = readFileSync(fromRoot("docs", "guide", "server-security.md"), "utf8");
    const shown = path.join(folder, "shown.json");
    writeFileSync(shown, /```json\n([^]*?)```/.exec(guide)![1]!);
    expect(readKeys(shown).keys.map(({ name }) => name)).toEqual(["ward-3", "night-batch", "operator"]);
  });

  test("has no key in it, and is its owner's alone", () => {
    const text = readFileSync(file, "utf8");
    for (const key of [ward3, ward4, other, operator]) {
      expect(key).toMatch(/^mi-[\w-]{43}$/);
      expect(text).not.toContain(key.slice(3));
    }
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test("is read again when it changes: keys come and go without a restart", async () => {
    const late = keyOf(file, "late");
    await until(async () => (await ask(late)).status === 200, 15_000);
    revokeKey(file, "late");
    await until(async () => (await ask(late)).status === 401, 15_000);
    expect((await ask(ward3)).status).toBe(200);
  });

  test("stays as it was while the new one is broken, which is told", async () => {
    const good = readFileSync(file, "utf8");
    const replace = (text: string) => {
      writeFileSync(`${file}.new`, text);
      renameSync(`${file}.new`, file);
    };
    for (const [broken, message] of [
      [`{"keys": [{"name": "Quackenbush`, /no valid JSON at position \d+|no valid JSON at its end/],
      [good.replace('"user"', '"Quackenbush"'), /keys\[0\]\.roles\[0\] must be/],
    ] as const) {
      warnings.length = 0;
      replace(broken);
      await until(() => warnings.length > 0, 15_000);
      expect(warnings.join()).toMatch(message);
      expect(warnings.join()).toMatch(/stay in force/);
      expect(warnings.join()).not.toContain("Quackenbush");
      expect((await ask(ward3)).status).toBe(200);
    }
    replace(good);
    const fresh = keyOf(file, "fresh");
    await until(async () => (await ask(fresh)).status === 200, 15_000);
  });

  const key = { name: "a", tenant: "t", roles: ["user"], sha256: "0".repeat(64) };
  test.each<[string, unknown, RegExp]>([
    ["no list", {}, /keys is missing/],
    ["an unknown field", { keys: [], people: [] }, /people is unknown/],
    ["a key itself", { keys: [{ ...key, key: "mi-x" }] }, /keys\[0\]\.key is unknown/],
    ["no digest", { keys: [{ ...key, sha256: undefined }] }, /keys\[0\] must have sha256, certificate or both/],
    ["a digest that is none", { keys: [{ ...key, sha256: "abc" }] }, /keys\[0\]\.sha256 must be 64 hexadecimal digits/],
    ["no role", { keys: [{ ...key, roles: [] }] }, /keys\[0\]\.roles must have at least 1/],
    ["one name twice", { keys: [key, { ...key, sha256: "1".repeat(64) }] }, /keys must have names that differ/],
    ["one key twice", { keys: [key, { ...key, name: "b" }] }, /keys must not have one key twice/],
    [
      "a limit of nothing",
      { keys: [], tenants: { t: { requestsAtOnce: 0 } } },
      /tenants\.t\.requestsAtOnce must be at/,
    ],
    ["a name with a space", { keys: [{ ...key, name: "Zebulon Q" }] }, /keys\[0\]\.name must be 1 to 64/],
  ])("is refused at the start with %s", (_name, content, message) => {
    const wrong = path.join(folder, "wrong.json");
    writeFileSync(wrong, JSON.stringify(content));
    const start = () => createService({ models: [{ name: model }], keys: wrong });
    expect(start).toThrow(message);
    expect(start).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
  });

  test("is never written wrong", () => {
    const own = path.join(folder, "own.json");
    addKey(own, { name: "a", tenant: "t", roles: ["user"] });
    const before = readFileSync(own, "utf8");
    expect(() => addKey(own, { name: "a", tenant: "t", roles: ["user"] })).toThrow(/names that differ/);
    expect(() => addKey(own, { name: "b c", tenant: "t", roles: ["user"] })).toThrow(/keys\[1\]\.name/);
    expect(() => revokeKey(own, "nobody")).toThrow(/no key of the file has that name/);
    expect(readFileSync(own, "utf8")).toBe(before);
  });

  test("keeps limits that were written by hand", () => {
    const own = path.join(folder, "limits.json");
    writeFileSync(own, JSON.stringify({ keys: [], tenants: { t: { share: 2 } } }), { mode: 0o640 });
    addKey(own, { name: "a", tenant: "t", roles: ["user"] });
    const read: KeyFile = readKeys(own);
    expect(read.tenants).toEqual({ t: { share: 2 } });
    expect(statSync(own).mode & 0o777).toBe(0o640);
  });
});

describe("without keys", () => {
  const models = [{ name: model }];
  test.each(["0.0.0.0", "::", "192.0.2.1", "models.hospital.example"])("other hosts are refused: %s", async (host) => {
    const refused = await listen({ models, host, port: 0 }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "INVALID_ARGUMENT", message: expect.stringMatching(/keys.*--keys.*--open/) });
    const admin = await listen({ models, port: 0, admin: { host, port: 0 } }).catch((error: unknown) => error);
    expect(admin).toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  test.each([
    [{ host: "0.0.0.0", open: true }],
    [{ host: "0.0.0.0", keys: file }],
    [{ host: "localhost" }],
    [{ host: "127.0.0.2" }],
  ])("%j listens", async (options) => {
    const open = await listen({ models, port: 0, ...options });
    await open.close();
  });
});
