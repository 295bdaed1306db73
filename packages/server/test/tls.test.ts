/** HTTPS, and clients' certificates that stand for keys. */
import { once } from "node:events";
import { request, Agent, type RequestOptions } from "node:https";
import path from "node:path";
import { text } from "node:stream/consumers";
import { connect } from "node:tls";
import type { IncomingMessage } from "node:http";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { addKey, listen, type Listening, type ListenOptions } from "@medinfer/server";

import { Authority, type Certified } from "./support/certificates.js";
import { bearer, keyOf, temporaryFolder } from "./support/keys.js";
import { model, type Json } from "./support/running.js";

const ours = new Authority("Hospital CA");
const foreign = new Authority("Another CA");
const host = ours.certify({ CN: "localhost" });

const file = path.join(temporaryFolder(), "keys.json");
const key = keyOf(file, "by-key");
for (const [name, certificate] of [
  ["ward-3", "CN=ward-3, O=Hospital"],
  ["comma", "CN=Ward\\, third floor"],
] as const) {
  addKey(file, { name, tenant: name, roles: ["user"], certificate });
}
addKey(file, { name: "operator", tenant: "operator", roles: ["admin"], certificate: "CN=operator" });

const right = ours.certify({ O: "Hospital", CN: "ward-3" });

interface Answer {
  status: number;
  body: Json;
  resumed: boolean;
}

async function get(at: string, client: Partial<RequestOptions> = {}): Promise<Answer> {
  const sent = request(at, { ca: ours.cert, agent: false, ...client });
  sent.end();
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  const resumed = (response.socket as unknown as { isSessionReused(): boolean }).isSessionReused();
  return { status: response.statusCode!, body: JSON.parse(await text(response)), resumed };
}

const failure = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "none",
    (error: NodeJS.ErrnoException) => error.code ?? error.message,
  );

/** @returns where the models are listed */
function serving(options: Partial<ListenOptions>): () => string {
  let server: Listening;
  beforeAll(async () => {
    server = await listen({ models: [{ name: model }], port: 0, ...options });
    await server.service.start();
  });
  afterAll(() => server.close());
  return () => `${server.url}/v1/models`;
}

describe("certificates that must be shown", () => {
  const at = serving({ tls: { ...host, ca: ours.cert, requestCert: true }, keys: file });

  test("HTTPS is spoken, and no old version of it", async () => {
    expect(at()).toMatch(/^https:/);
    const { port } = new URL(at());
    const socket = connect({ port: Number(port), ca: ours.cert, ...right, maxVersion: "TLSv1.1", minVersion: "TLSv1" });
    expect(await failure(once(socket, "secureConnect"))).not.toBe("none");
  });

  test("the right one stands for a key, in whichever order its subject is", async () => {
    expect((await get(at(), right)).status).toBe(200);
    expect((await get(at(), ours.certify({ CN: "ward-3", O: "Hospital" }))).status).toBe(200);
    expect((await get(at(), ours.certify({ CN: "Ward, third floor" }))).status).toBe(200);
  });

  test("clients that always send some key do no harm beside it", async () => {
    expect((await get(at(), { ...right, headers: bearer("none") })).status).toBe(200);
  });

  test("a resumed session has it as well", async () => {
    const agent = new Agent({ keepAlive: false, maxCachedSessions: 10 });
    const answers = [await get(at(), { ...right, agent }), await get(at(), { ...right, agent })];
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(answers[1]!.resumed).toBe(true);
  });

  test.each<[string, Certified | object]>([
    ["none", {}],
    ["one of another authority with the right subject", foreign.certify({ O: "Hospital", CN: "ward-3" })],
  ])("%s: no connection", async (_name, client) => {
    expect(await failure(get(at(), client))).not.toBe("none");
  });

  test.each<[string, Record<string, string>]>([
    ["a subject that no key has", { CN: "ward-9" }],
    ["a part of a subject", { CN: "ward-3" }],
    ["more than a subject", { CN: "ward-3", O: "Hospital", OU: "Kitchen" }],
    ["a subject in one value", { CN: "ward-3,O=Hospital" }],
    ["a subject in one value with a line break", { CN: "ward-3\nO=Hospital" }],
  ])("one of ours with %s: 401 without a key, 200 with one", async (_name, subject) => {
    const client = ours.certify(subject);
    const { status, body } = await get(at(), client);
    expect([status, body.error.code]).toEqual([401, "invalid_api_key"]);
    expect((await get(at(), { ...client, headers: bearer(key) })).status).toBe(200);
  });

  test("a role that its entry lacks: 403", async () => {
    const operator = ours.certify({ CN: "operator" });
    expect((await get(at(), operator)).status).toBe(403);
    expect((await get(at().replace("/v1/models", "/admin/tenants"), operator)).status).toBe(200);
  });
});

describe("certificates that may be shown", () => {
  const tls = { ...host, ca: ours.cert, requestCert: true, rejectUnauthorized: false };
  const at = serving({ tls, keys: file });

  test("the right one stands for a key, and keys go without", async () => {
    expect((await get(at(), right)).status).toBe(200);
    expect((await get(at(), { headers: bearer(key) })).status).toBe(200);
    expect((await get(at())).status).toBe(401);
  });

  test("one that another authority signed is none, whatever its subject", async () => {
    expect((await get(at(), foreign.certify({ O: "Hospital", CN: "ward-3" }))).status).toBe(401);
  });

  test("other hosts need more than that", async () => {
    const refused = listen({ models: [{ name: model }], host: "0.0.0.0", port: 0, tls });
    expect(await failure(refused)).toBe("INVALID_ARGUMENT");
    const strict = { models: [{ name: model }], host: "0.0.0.0", port: 0, tls: { ...tls, rejectUnauthorized: true } };
    await (await listen(strict)).close();
  });
});
