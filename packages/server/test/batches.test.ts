/** Files and batches, in a folder of a real server; restarts are of a real process that is killed. */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { request } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

import { listen } from "@medinfer/server";

import { fromRoot } from "../../../test/support/paths.mjs";
import { model, post, postJson, running, type Json } from "./support/running.js";
import { until } from "./support/until.js";

const folder = mkdtempSync(path.join(tmpdir(), "medinfer-files-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const patient = "Quackenbush";
const FILE_LIMIT = 100_000;
const logged: Json[] = [];
const { url } = running({
  models: [
    { name: model, nThreads: 1, keepLoaded: true },
    { name: "embedder", task: "embed", pooling: "mean", nThreads: 1 },
  ],
  filesFolder: path.join(folder, "served"),
  fileLimit: FILE_LIMIT,
  batchConcurrency: 3,
  logLevel: "info",
  logTo: { write: (line) => logged.push(JSON.parse(line)) },
});

async function get(at: string): Promise<Json> {
  const response = await fetch(at);
  expect(response.status).toBe(200);
  return (await response.json()) as Json;
}

function form(content: string | Blob, { purpose = "batch", filename = "in.jsonl", first = false } = {}): FormData {
  const data = new FormData();
  if (first) data.append("purpose", purpose);
  data.append("file", typeof content === "string" ? new Blob([content]) : content, filename);
  if (!first) data.append("purpose", purpose);
  return data;
}

type Body = FormData | string;

const send = (body: Body, init: RequestInit = {}, at = url()) =>
  fetch(`${at}/v1/files`, { method: "POST", body, ...init });

async function upload(content: string, options = {}, at = url()): Promise<Json> {
  const response = await send(form(content, options), {}, at);
  if (!response.ok) throw new Error(`status ${response.status}: ${await response.text()}`);
  return (await response.json()) as Json;
}

/** All files below a folder. */
const below = (at: string) =>
  readdirSync(at, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));

const stored = () => below(path.join(folder, "served", "files"));

test("there are no files and batches without a folder for them", async () => {
  const { listen } = await import("@medinfer/server");
  const bare = await listen({ models: [{ name: model }], port: 0 });
  for (const each of ["files", "batches"]) expect((await fetch(`${bare.url}/v1/${each}`)).status).toBe(404);
  await bare.close();
});

describe("files", () => {
  test("are stored, listed, read and deleted", async () => {
    const content = `{"a": "é"}\n`.repeat(500);
    const file = await upload(content, { filename: `${patient}.jsonl` });
    expect(file).toMatchObject({ object: "file", filename: `${patient}.jsonl`, purpose: "batch", status: "processed" });
    expect(file.bytes).toBe(Buffer.byteLength(content));
    expect(await get(`${url()}/v1/files/${file.id}`)).toEqual(file);
    const second = await upload("x", { purpose: "user_data", first: true });
    expect((await get(`${url()}/v1/files`)).data.slice(0, 2)).toEqual([second, file]);
    expect((await get(`${url()}/v1/files?purpose=user_data`)).data).toEqual([second]);
    expect(await get(`${url()}/v1/files?limit=1`)).toMatchObject({
      data: [second],
      has_more: true,
      last_id: second.id,
    });
    expect((await get(`${url()}/v1/files?after=${second.id}&limit=1`)).data).toEqual([file]);
    const read = await fetch(`${url()}/v1/files/${file.id}/content`);
    expect(read.headers.get("content-disposition")).toBe("attachment");
    expect(await read.text()).toBe(content);
    for (const each of stored()) expect(statSync(each).mode & 0o777).toBe(0o600);
    expect(statSync(path.join(folder, "served", "files")).mode & 0o777).toBe(0o700);
    for (const each of stored()) expect(statSync(path.dirname(each)).mode & 0o777).toBe(0o700);
    for (const { id } of [file, second]) {
      const gone = await fetch(`${url()}/v1/files/${id}`, { method: "DELETE" });
      expect(await gone.json()).toEqual({ id, object: "file", deleted: true });
      expect((await fetch(`${url()}/v1/files/${id}`)).status).toBe(404);
      expect((await fetch(`${url()}/v1/files/${id}/content`)).status).toBe(404);
    }
    expect(stored()).toEqual([]);
  });

  test("that are too large are refused, whether the request says its length or not, and nothing is left", async () => {
    const large = new Blob(["x".repeat(FILE_LIMIT + 1)]);
    const response = await send(form(large, { first: true }));
    expect([response.status, ((await response.json()) as Json).error.code]).toEqual([413, "file_too_large"]);
    const status = await new Promise((resolve, reject) => {
      const headers = { "content-type": "multipart/form-data; boundary=b" };
      const sent = request(`${url()}/v1/files`, { method: "POST", headers }, (answer) => resolve(answer.statusCode));
      sent.on("error", reject);
      sent.write('--b\r\ncontent-disposition: form-data; name="file"; filename="f"\r\n\r\n');
      for (let i = 0; i < 12; i++) sent.write("y".repeat(10_000));
      sent.end("\r\n--b--\r\n");
    });
    expect(status).toBe(413);
    const whole = await upload("z".repeat(FILE_LIMIT));
    expect(whole.bytes).toBe(FILE_LIMIT);
    expect(stored()).toHaveLength(2);
    await fetch(`${url()}/v1/files/${whole.id}`, { method: "DELETE" });
  });

  test("whose sender breaks off leave nothing", async () => {
    const headers = { "content-type": "multipart/form-data; boundary=b" };
    const sent = request(`${url()}/v1/files`, { method: "POST", headers });
    sent.on("error", () => {});
    sent.write('--b\r\ncontent-disposition: form-data; name="file"; filename="f"\r\n\r\nabc');
    while (stored().length === 0) await sleep(10);
    sent.destroy();
    for (let i = 0; i < 200 && stored().length > 0; i++) await sleep(10);
    expect(stored()).toEqual([]);
    await until(() => logged.some(({ status }) => status === 499));
    expect(logged.find(({ status }) => status === 499)).toMatchObject({ level: "info", outcome: "client_gone" });
  });

  const two = () => {
    const data = form("x");
    data.append("file", new Blob(["y"]), "other");
    return data;
  };
  const noFile = () => {
    const data = new FormData();
    data.append("purpose", "batch");
    return data;
  };
  const otherField = () => {
    const data = form("x");
    data.append(patient, "x");
    return data;
  };
  test.each<[string, () => Body, RequestInit]>([
    ["one with an unknown field", otherField, {}],
    ["of an unknown purpose", () => form("x", { purpose: patient }), {}],
    ["two at once", two, {}],
    ["none", noFile, {}],
    ["no form", () => patient, {}],
    ["a form that names no boundary", () => "x", { headers: { "content-type": "multipart/form-data; x=y" } }],
    ["half a form", () => "--b\r\nconten", { headers: { "content-type": "multipart/form-data; boundary=b" } }],
    [
      "a file whose form has no end",
      () => '--b\r\ncontent-disposition: form-data; name="file"; filename="f"\r\n\r\nabc',
      { headers: { "content-type": "multipart/form-data; boundary=b" } },
    ],
  ])("%s: 400, and nothing is left", async (_, body, init) => {
    const response = await send(body(), init);
    const text = await response.text();
    expect([response.status, text.includes(patient)]).toEqual([400, false]);
    for (let i = 0; i < 100 && stored().length > 0; i++) await sleep(10);
    expect(stored()).toEqual([]);
  });

  test("whose reader breaks off are no failure of the server", async () => {
    const lines: Json[] = [];
    const own = await listen({
      models: [{ name: model }],
      port: 0,
      filesFolder: path.join(folder, "read"),
      logLevel: "info",
      logTo: { write: (line) => lines.push(JSON.parse(line)) },
    });
    try {
      // More than the buffers of a connection hold.
      const { id } = await upload("x".repeat(30e6), {}, own.url);
      const socket = connect(Number(new URL(own.url).port), "127.0.0.1");
      socket.write(`GET /v1/files/${id}/content HTTP/1.1\r\nhost: x\r\n\r\n`);
      socket.once("data", () => socket.resetAndDestroy());
      const read = () => lines.filter(({ endpoint }) => endpoint === "GET /v1/files/:file/content");
      await until(() => read().some(({ outcome }) => outcome !== undefined));
      expect(read().map(({ level, outcome }) => [level, outcome])).toEqual([["info", "client_gone"]]);
    } finally {
      await own.close();
    }
  });

  test("what is no id is not found, wherever it points", async () => {
    for (const id of ["file-x", "..%2f..%2fetc%2fpasswd", "%00"]) {
      expect((await fetch(`${url()}/v1/files/${id}`)).status).toBe(404);
    }
  });
});

const chat = (id: string, body: Json = {}) =>
  JSON.stringify({
    custom_id: id,
    method: "POST",
    url: "/v1/chat/completions",
    body: { model, messages: [{ role: "user", content: `Say ${id}.` }], max_tokens: 4, temperature: 0, ...body },
  });

async function begin(content: string, endpoint = "/v1/chat/completions", at = url()): Promise<Json> {
  const { id } = await upload(content, {}, at);
  return postJson(`${at}/v1/batches`, { input_file_id: id, endpoint, completion_window: "24h" });
}

async function ended(id: string, at = url()): Promise<Json> {
  for (let i = 0; i < 2000; i++) {
    const batch = await get(`${at}/v1/batches/${id}`);
    if (["completed", "failed", "cancelled"].includes(batch.status)) return batch;
    await sleep(20);
  }
  throw new Error("the batch does not end");
}

async function linesOf(file: string | null, at = url()): Promise<Json[]> {
  if (file === null) return [];
  const text = await (await fetch(`${at}/v1/files/${file}/content`)).text();
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Json);
}

describe("batches", () => {
  test("answer each line once, in an output file and a file of errors", async () => {
    const lines = [chat("one"), chat("two"), "", chat("bad", { temperature: 9 }), chat("none", { model: "none" })];
    const input = [...lines, chat("stream", { stream: true }), chat("three")].join("\n");
    const batch = await begin(input);
    expect(batch).toMatchObject({ object: "batch", status: "validating", endpoint: "/v1/chat/completions" });
    const over = await ended(batch.id);
    expect(over).toMatchObject({ status: "completed", errors: null });
    expect(over.request_counts).toEqual({ total: 6, completed: 3, failed: 3 });
    const answered = await linesOf(over.output_file_id);
    expect(answered.map((each) => each.custom_id).sort()).toEqual(["one", "three", "two"]);
    const alone = await postJson(`${url()}/v1/chat/completions`, JSON.parse(chat("two")).body);
    const two = answered.find((each) => each.custom_id === "two");
    expect(two).toMatchObject({ error: null, response: { status_code: 200, body: { object: "chat.completion" } } });
    expect(two.response.body.choices).toEqual(alone.choices);
    const failed = await linesOf(over.error_file_id);
    expect(failed.map((each) => [each.custom_id, each.response.status_code]).sort()).toEqual([
      ["bad", 400],
      ["none", 404],
      ["stream", 400],
    ]);
    for (const each of failed) expect(each.response.body.error.message).toMatch(/\w/);
    const ofBatch = logged.filter(({ endpoint }) => endpoint === "POST /v1/chat/completions").slice(0, 6);
    expect(ofBatch.map(({ status, outcome }) => `${status} ${outcome}`).sort()).toEqual([
      "200 answered",
      "200 answered",
      "200 answered",
      "400 refused",
      "400 refused",
      "404 refused",
    ]);
    expect((await get(`${url()}/v1/batches`)).data[0]).toEqual(over);
    const output = await get(`${url()}/v1/files/${over.output_file_id}`);
    expect(output).toMatchObject({ purpose: "batch_output", filename: `${batch.id}_output.jsonl` });
    // Nothing but what is known of it is left beside the files.
    expect(readdirSync(path.join(folder, "served", "batches"))).toEqual([`${batch.id}.json`]);
  });

  test("embed", async () => {
    const line = (id: string) => ({
      custom_id: id,
      method: "POST",
      url: "/v1/embeddings",
      body: { model: "embedder", input: id },
    });
    const { id } = await begin(["a", "b"].map((each) => JSON.stringify(line(each))).join("\n"), "/v1/embeddings");
    const over = await ended(id);
    const lines = await linesOf(over.output_file_id);
    expect(lines.map(({ response }) => response.body.data[0].embedding.length)).toEqual([
      lines[0].response.body.data[0].embedding.length,
      expect.any(Number),
    ]);
    expect(over.error_file_id).toBeNull();
  });

  test("whose input is wrong fail, with the place of each problem and none of its text", async () => {
    const url2 = chat("d").replace("/v1/chat/completions", `/v1/${patient}`);
    const unknown = chat("e").replace(/}$/, `,"${patient}":1}`);
    const input = [
      chat("a"),
      chat("a"),
      `{"${patient}`,
      chat("b").replace('"POST"', `"${patient}"`),
      url2,
      "[]",
      unknown,
    ].join("\n");
    const over = await ended((await begin(input)).id);
    expect([over.status, over.output_file_id]).toEqual(["failed", null]);
    expect(over.errors.data.map(({ line, code }: Json) => [line, code])).toEqual([
      [2, "duplicate_custom_id"],
      [3, "invalid_json_line"],
      [4, "invalid_value"],
      [5, "mismatched_endpoint"],
      [6, "invalid_value"],
      [7, "invalid_value"],
    ]);
    expect(JSON.stringify(over)).not.toContain(patient);
    const empty = await ended((await begin("\n")).id);
    expect([empty.status, empty.errors.data[0].code]).toEqual(["failed", "empty_file"]);
  });

  test("that are cancelled keep what is answered", async () => {
    const input = Array.from({ length: 200 }, (_, i) => chat(`n${i}`, { max_tokens: 200, ignore_eos: true })).join(
      "\n",
    );
    const { id } = await begin(input);
    while ((await get(`${url()}/v1/batches/${id}`)).request_counts.completed < 2) await sleep(10);
    const waiting = await begin(chat("later"));
    const before = await postJson(`${url()}/v1/batches/${id}/cancel`, {});
    expect(before.status).toBe("cancelling");
    const over = await ended(id);
    expect(over).toMatchObject({ status: "cancelled", error_file_id: null });
    const lines = await linesOf(over.output_file_id);
    expect(lines).toHaveLength(over.request_counts.completed);
    expect(lines.length).toBeLessThan(200);
    for (const each of lines) expect(each.response.status_code).toBe(200);
    expect((await ended(waiting.id)).status).toBe("completed");
    // Those that ran are no failures, and what they took is counted.
    const stopped = logged.filter(({ outcome }) => outcome === "cancelled");
    expect(stopped.length).toBeGreaterThan(0);
    for (const each of stopped) expect(each).toMatchObject({ level: "info", status: 499, code: "cancelled", model });
    expect(stopped.some(({ completionTokens }) => completionTokens > 0)).toBe(true);
    expect(logged.filter(({ outcome }) => outcome === "failed")).toEqual([]);
    expect((await postJson(`${url()}/v1/batches/${id}/cancel`, {})).status).toBe("cancelled");
  });

  test.each([
    [{ input_file_id: "file-x", endpoint: "/v1/chat/completions", completion_window: "24h" }, 404],
    [{ input_file_id: "file-x", endpoint: "/v1/models", completion_window: "24h" }, 400],
    [{ endpoint: "/v1/chat/completions", completion_window: "1h" }, 400],
  ])("refuse %j", async (body, status) => {
    expect((await post(`${url()}/v1/batches`, body)).status).toBe(status);
    expect((await fetch(`${url()}/v1/batches/batch_x`)).status).toBe(404);
  });
});

describe("a server that is killed", () => {
  let child: ChildProcess | undefined;
  afterEach(() => void child?.kill("SIGKILL"));

  /** A server in a process of its own. @returns where it listens */
  async function start(filesFolder: string): Promise<string> {
    const options = {
      models: [{ name: model, nThreads: 1, keepLoaded: true }],
      port: 0,
      filesFolder,
      batchConcurrency: 3,
    };
    const script = `
      import { listen } from "@medinfer/server";
      const server = await listen(${JSON.stringify(options)});
      console.log(server.url);
      await server.service.start();`;
    const { MEDINFER_LOG: _, ...env } = process.env;
    const arguments_ = ["--input-type=module", "-e", script];
    const started = spawn(process.execPath, arguments_, { cwd: fromRoot(), env, stdio: ["ignore", "pipe", "inherit"] });
    child = started;
    return new Promise((resolve, reject) => {
      started.stdout.once("data", (text: Buffer) => resolve(String(text).trim()));
      started.once("exit", (code) => reject(new Error(`the server ended with ${code}`)));
    });
  }

  async function kill(): Promise<void> {
    const gone = new Promise((resolve) => child!.once("exit", resolve));
    child!.kill("SIGKILL");
    await gone;
  }

  test("goes on with its batches: each line is answered once, and answers stay", async () => {
    const at = path.join(folder, "killed");
    const ids = Array.from({ length: 60 }, (_, i) => `n${i}`);
    const input = ids.map((id) => chat(id, { max_tokens: 40, ignore_eos: true })).join("\n");
    let where = await start(at);
    const { id } = await begin(input, "/v1/chat/completions", where);
    const part = path.join(at, "batches", `${id}.output.jsonl`);
    const answered = () => (below(at).includes(part) ? readFileSync(part, "utf8").split("\n").slice(0, -1) : []);
    let before: string[] = [];
    for (const most of [5, 20, 40]) {
      while (answered().length < most) await sleep(5);
      await kill();
      const kept = answered();
      expect(kept.slice(0, before.length)).toEqual(before);
      before = kept;
      where = await start(at);
    }
    expect(before.length).toBeLessThan(60);
    const over = await ended(id, where);
    expect(over).toMatchObject({ status: "completed", request_counts: { total: 60, completed: 60, failed: 0 } });
    const text = await (await fetch(`${where}/v1/files/${over.output_file_id}/content`)).text();
    const lines = text.trimEnd().split("\n");
    expect(lines.slice(0, before.length)).toEqual(before);
    expect(lines.map((line) => (JSON.parse(line) as Json).custom_id).sort()).toEqual([...ids].sort());
    // The files are there after another start, too.
    await kill();
    where = await start(at);
    expect(await (await fetch(`${where}/v1/files/${over.output_file_id}/content`)).text()).toBe(text);
    expect(await get(`${where}/v1/batches/${id}`)).toEqual(over);
    expect((await get(`${where}/v1/files`)).data).toHaveLength(2);
    await kill();
  });
});

describe("of other tenants", () => {
  let store: Json;
  beforeAll(async () => {
    const { FileStore } = (await import(fromRoot("packages", "server", "dist", "files", "file-store.js"))) as Json;
    store = new FileStore(path.join(folder, "tenants"));
  });

  test("files are not found, and lie elsewhere", async () => {
    const { Readable } = await import("node:stream");
    const describe = () => ({ filename: "f", purpose: "batch" });
    const file = await store.add("clinic/a", Readable.from(["x"]), describe);
    expect(await store.list("clinic/b")).toEqual([]);
    for (const call of ["find", "read", "delete"]) {
      await expect(store[call]("clinic/b", file.id)).rejects.toMatchObject({ status: 404 });
    }
    await store.add("clinic/b", Readable.from(["y"]), describe);
    expect(new Set(below(path.join(folder, "tenants")).map(path.dirname)).size).toBe(2);
    expect((await store.list("clinic/a")).map(({ id }: Json) => id)).toEqual([file.id]);
  });
});
