import { spawn, type ChildProcess } from "node:child_process";
import { createHash, createHmac } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { afterAll, afterEach, describe, expect, test } from "vitest";

import { listen, type AuditLine, type AuditOptions, type Listening, type ListenOptions } from "@medinfer/server";

import { withoutCpuWarning } from "../../../test/support/node-arguments.mjs";
import { fromRoot } from "../../../test/support/paths.mjs";
import { AuditFile } from "../src/telemetry/audit/audit-file.js";
import { promptDigest } from "../src/telemetry/audit/prompt-digest.js";
import { model, post } from "./support/running.js";
import { until } from "./support/until.js";

const folder = mkdtempSync(path.join(tmpdir(), "medinfer-audit-"));
const secretFile = path.join(folder, "secret");
writeFileSync(secretFile, "sixteen bytes or more");
const messages = [{ role: "user", content: "What is hypertension?" }];
let server: Listening | undefined;
let files = 0;

afterEach(() => server?.close());
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function audited(options: Partial<AuditOptions> = {}, more: Partial<ListenOptions> = {}): Promise<string> {
  const file = path.join(folder, `${++files}.jsonl`);
  server = await listen({
    models: [{ name: model, nThreads: 1 }],
    port: 0,
    drainMs: 1000,
    audit: { file, secretFile, ...options },
    ...more,
  });
  return file;
}

const ask = (body: object = {}, init: RequestInit = {}) =>
  post(`${server!.url}/v1/chat/completions`, { model, messages, max_tokens: 5, ignoreEos: true, ...body }, init);

/** Its lines behind the first, which tells of the start. */
async function linesOf(file: string): Promise<AuditLine[]> {
  await server!.close();
  const [start, ...lines] = readFileSync(file, "utf8").trimEnd().split("\n");
  expect(JSON.parse(start!)).toMatchObject({ event: "start" });
  return lines.map((line) => JSON.parse(line) as AuditLine);
}

const sha256 = (file: string) => createHash("sha256").update(readFileSync(file)).digest("hex");

describe("a line", () => {
  test("says who asked for what, how much it was and what became of it", async () => {
    const file = await audited();
    const response = await ask({}, { headers: { "x-request-id": "abc-1" } });
    await response.text();
    expect(await linesOf(file)).toEqual([
      {
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        id: "abc-1",
        key: "none",
        tenant: "default",
        endpoint: "POST /v1/chat/completions",
        model,
        modelSha256: sha256(fromRoot("models", "medinfer-tiny.gguf")),
        promptTokens: expect.any(Number),
        completionTokens: 5,
        imageTokens: 0,
        promptDigest: createHmac("sha256", readFileSync(secretFile)).update(JSON.stringify({ messages })).digest("hex"),
        outcome: "answered",
        status: 200,
        code: null,
        ms: expect.any(Number),
      },
    ]);
  });

  test("is there for what fails, and for clients that go away; not for health and metrics", async () => {
    const file = await audited();
    for (const body of [{ temperature: 9 }, { model: "none" }]) await (await ask(body)).text();
    for (const each of ["/health", "/metrics"]) await (await fetch(`${server!.url}${each}`)).text();
    const controller = new AbortController();
    const stream = await ask({ stream: true, max_tokens: 3000 }, { signal: controller.signal });
    await stream.body!.getReader().read();
    controller.abort();
    await until(() => server!.service.models.find(model).leases === 0);
    const found = (await linesOf(file)).map(({ outcome, status, code }) => [outcome, status, code]);
    expect(found).toEqual([
      ["refused", 400, "invalid_value"],
      ["refused", 404, "model_not_found"],
      ["client_gone", 200, "client_gone"],
    ]);
  });

  test("names the model that could not be loaded, and has no hash of it", async () => {
    const file = await audited({}, { models: [{ name: "c", nCtx: "512" as unknown as number }] });
    await (await ask({ model: "c" })).text();
    const [line] = await linesOf(file);
    expect(line).toMatchObject({ model: "c", modelSha256: null, status: 500, code: "model_load_failed" });
  });

  test("is there for each request of a batch", async () => {
    const file = await audited({}, { filesFolder: path.join(folder, "files") });
    await server!.service.start();
    const line = (id: string, body: object) =>
      JSON.stringify({
        custom_id: id,
        method: "POST",
        url: "/v1/chat/completions",
        body: { model, messages, ...body },
      });
    const form = new FormData();
    form.append("purpose", "batch");
    form.append(
      "file",
      new Blob([`${line("a", { max_tokens: 5, ignoreEos: true })}\n${line("b", { n: 0 })}\n`]),
      "in.jsonl",
    );
    const upload = await fetch(`${server!.url}/v1/files`, { method: "POST", body: form });
    const { id: input } = (await upload.json()) as { id: string };
    const body = { input_file_id: input, endpoint: "/v1/chat/completions", completion_window: "24h" };
    const begun = (await (await post(`${server!.url}/v1/batches`, body)).json()) as { id: string };
    const status = async () =>
      ((await (await fetch(`${server!.url}/v1/batches/${begun.id}`)).json()) as { status: string }).status;
    while ((await status()) !== "completed") await sleep(20);
    const lines = (await linesOf(file)).filter(({ endpoint }) => endpoint.endsWith("/v1/chat/completions"));
    const seen = lines.map((each) => [each.status, each.completionTokens]).sort();
    expect(seen).toEqual([
      [200, 5],
      [400, null],
    ]);
  });

  test("of a stream that can be resumed is written when it is whole, whoever has gone", async () => {
    const file = await audited();
    const controller = new AbortController();
    const stream = await ask({ stream: true, resumable: true, max_tokens: 200 }, { signal: controller.signal });
    await stream.body!.getReader().read();
    controller.abort();
    const { models } = server!.service;
    await until(() => models.find(model).leases === 0);
    expect(await linesOf(file)).toMatchObject([{ completionTokens: 200 }]);
  });
});

describe("the digest of a prompt", () => {
  const secret = Buffer.from("secret");
  const hmac = (value: object) => createHmac("sha256", secret).update(JSON.stringify(value)).digest("hex");

  test("is that of its JSON, also where it is megabytes, and half a pair of surrogates", async () => {
    const long = `${"x".repeat(256 * 1024 - 1)}😀${"\ud83d"}"\\\n${"y".repeat(3_000_000)}`;
    const body = { messages: [{ role: "user", content: [{ text: long, n: undefined, list: [1, null, true] }] }] };
    expect(await promptDigest(secret, { ...body, model: "m", seed: 1 })).toBe(hmac(body));
  });

  test("leaves out what is no prompt, and is none where there is none", async () => {
    expect(await promptDigest(secret, { prompt: "a", seed: 1 })).toBe(
      await promptDigest(secret, { seed: 2, prompt: "a" }),
    );
    expect(await promptDigest(secret, { model: "m" })).toBeUndefined();
    expect(await promptDigest(secret, undefined)).toBeUndefined();
  });
});

describe("the file", () => {
  const events = { onBroken: () => {}, onMended: () => {} };

  test("is its owner's alone, also where it was there before", async () => {
    const before = path.join(folder, "before.jsonl");
    writeFileSync(before, "", { mode: 0o644 });
    await new AuditFile(before, "start\n", {}, events).close();
    const fresh = await audited();
    expect([before, fresh].map((file) => statSync(file).mode & 0o777)).toEqual([0o600, 0o600]);
  });

  const rotated = (name: string) => readdirSync(folder).filter((each) => each.startsWith(`${name}.2`));

  test("is rotated by size, every line once, and no more kept than asked for", async () => {
    const all = new AuditFile(path.join(folder, "all"), "0\n", { maxBytes: 20 }, events);
    const few = new AuditFile(path.join(folder, "few"), "0\n", { maxBytes: 20, keep: 2 }, events);
    for (let i = 1; i < 40; i++) {
      for (const each of [all, few]) each.write(`${i}\n`);
      if (i % 5 === 0) await sleep(5);
    }
    await Promise.all([all.close(), few.close()]);
    const parts = [...rotated("all").sort(), "all"].map((name) => readFileSync(path.join(folder, name), "utf8"));
    expect(parts.join("")).toBe(Array.from({ length: 40 }, (_, i) => `${i}\n`).join(""));
    expect(parts.length).toBeGreaterThan(3);
    expect(rotated("few")).toHaveLength(2);
    expect(statSync(path.join(folder, rotated("all")[0]!)).mode & 0o777).toBe(0o600);
  });

  test("is rotated by age", async () => {
    const file = new AuditFile(path.join(folder, "old"), "0\n", { maxAgeMs: 50 }, events);
    await sleep(100);
    file.write("1\n");
    await file.close();
    expect(rotated("old")).toHaveLength(1);
  });

  test("that somebody has moved away is begun anew", async () => {
    const name = path.join(folder, "moved");
    const file = new AuditFile(name, "0\n", {}, events);
    file.write("1\n");
    await until(() => readFileSync(name, "utf8") === "0\n1\n");
    renameSync(name, `${name}.aside`);
    file.write("2\n");
    await file.close();
    expect(readFileSync(name, "utf8")).toBe("2\n");
  });
});

describe("where it cannot be written", () => {
  test.each([
    ["in a folder that is not there", path.join(folder, "none", "audit.jsonl"), "ENOENT"],
    ["where it is a folder", folder, "EISDIR"],
    ["on a full disk", "/dev/full", "ENOSPC"],
  ])("%s, the server does not start", async (_name, file, code) => {
    if (file === "/dev/full" && !existsSync(file)) return;
    const error = await listen({ models: [{ name: model }], port: 0, audit: { file } }).catch((each: unknown) => each);
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", message: expect.stringContaining(code) });
  });

  /** A real server whose files cannot become larger than so many kilobytes, as on a disk that fills up. */
  async function limited(file: string, kilobytes: number, flags: string[] = []) {
    const program = fromRoot("packages", "cli", "bin", "medinfer.js");
    const command = [process.execPath, withoutCpuWarning, program, "serve", "--port", "0", "--n-threads", "1"];
    const args = [...command, "--audit-log", file, ...flags];
    const child: ChildProcess = spawn("bash", ["--norc", "-c", `ulimit -f ${kilobytes}; exec "$@"`, "bash", ...args], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    let stderr = "";
    child.stderr!.on("data", (data: Buffer) => (stderr += data.toString()));
    await until(() => stderr.includes("ready: "), 60_000);
    const url = /listening on (\S+)/.exec(stderr)![1]!;
    const request = (body: object = {}, init: RequestInit = {}) =>
      post(`${url}/v1/chat/completions`, { model, messages, max_tokens: 1, ...body }, init);
    const end = () => new Promise((resolve) => child.once("exit", resolve).kill("SIGTERM"));
    return { url, request, end, stderr: () => stderr };
  }

  test("later on, that is logged, no line is half, and none is lost", { timeout: 60_000 }, async () => {
    const file = path.join(folder, "full.jsonl");
    const { request, end, stderr } = await limited(file, 2);
    let sent = 0;
    while (!stderr().includes("the audit log cannot be written")) {
      const response = await request();
      expect(response.status).toBe(200);
      await response.text();
      sent += 1;
      await sleep(100);
    }
    expect(stderr()).toContain('"code":"EFBIG"');
    const before = readFileSync(file, "utf8");
    expect(before.endsWith("}\n")).toBe(true);
    // There is room again.
    renameSync(file, `${file}.aside`);
    await until(() => stderr().includes("the audit log is written again"));
    await end();
    const lines = (before + readFileSync(file, "utf8")).trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line) as object)).toHaveLength(1 + sent);
  });

  test("later on, requests are refused where a line is required, and none that was answered lacks one", async () => {
    const file = path.join(folder, "required.jsonl");
    const { url, request, end, stderr } = await limited(file, 2, ["--audit-required"]);
    // It runs while the disk fills up, and ends when it is full: nobody reads it until then.
    const slow = {
      stream: true,
      max_tokens: 3000,
      ignoreEos: true,
      maxDraftTokens: 0,
      logprobs: true,
      top_logprobs: 20,
    };
    const running = await request(slow, { headers: { "x-request-id": "running" } });
    const answered: string[] = ["running"];
    let refused: Response | undefined;
    await until(async () => {
      await sleep(100);
      const id = `request-${answered.length}`;
      const response = await request({}, { headers: { "x-request-id": id } });
      if (response.status === 200) answered.push(id);
      else refused = response;
      await response.clone().text();
      return refused !== undefined;
    }, 30_000);
    expect(refused!.status).toBe(503);
    expect(await refused!.json()).toMatchObject({ error: { code: "audit_unavailable" } });
    expect(refused!.headers.get("retry-after")).toBe("10");
    for (const each of ["/health", "/metrics"]) expect((await fetch(url + each)).status).toBe(200);
    expect((await fetch(`${url}/v1/models`)).status).toBe(503);
    expect(await running.text()).toContain("data: [DONE]");

    const before = readFileSync(file, "utf8");
    renameSync(file, `${file}.aside`);
    await until(() => stderr().includes("the audit log is written again"));
    expect((await request({}, { headers: { "x-request-id": "after" } })).status).toBe(200);
    await end();
    const lines = (before + readFileSync(file, "utf8")).trimEnd().split("\n").slice(1);
    const found = lines.map((line) => JSON.parse(line) as AuditLine);
    expect(found.map(({ id }) => id).sort()).toEqual([...answered, "after"].sort());
    expect(found.every(({ status }) => status === 200)).toBe(true);
  }, 60_000);

  test("a server ends all the same, with whole lines", { timeout: 60_000 }, async () => {
    const file = path.join(folder, "ending.jsonl");
    const { request, end, stderr } = await limited(file, 1);
    await until(async () => {
      await (await request()).text();
      await sleep(50);
      return stderr().includes("the audit log cannot be written");
    }, 30_000);
    expect(await end()).toBe(0);
    const lines = readFileSync(file, "utf8").split("\n");
    expect(lines.pop()).toBe("");
    expect(lines.map((line) => JSON.parse(line) as object).length).toBeGreaterThan(1);
  });

  test("of more lines than are kept the oldest are lost, and counted", { timeout: 30_000 }, async () => {
    const place = path.join(folder, "place");
    mkdirSync(place);
    const lost: number[] = [];
    let mended = false;
    const events = { onBroken: (_error: unknown, count: number) => lost.push(count), onMended: () => (mended = true) };
    const file = new AuditFile(path.join(place, "audit"), "start\n", {}, events);
    renameSync(place, `${place}.aside`);
    file.write("first\n");
    await until(() => lost.length === 1);
    for (let i = 0; i < 10_004; i++) file.write(`${i}\n`);
    await until(() => lost.length === 2);
    renameSync(`${place}.aside`, place);
    await until(() => mended, 20_000);
    await file.close();
    expect(lost).toEqual([0, 5]);
    const lines = readFileSync(path.join(place, "audit"), "utf8");
    expect(lines).toBe(`start\n${Array.from({ length: 10_000 }, (_, i) => `${i + 4}\n`).join("")}`);
  });
});
