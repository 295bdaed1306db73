/** Real client libraries against a server: whole and streamed answers, an image, tools, a schema, an abort, an error. */
import { execFile, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

import { describe, expect, test } from "vitest";

import { fromRoot } from "../../../../test/support/paths.mjs";
import { model, postJson, running, type Json } from "../support/running.js";
import { until } from "../support/until.js";
import { newerNode, npmSet, pythonSet } from "./install.mjs";

const { url, server } = running();
const image = fromRoot("examples", "prescriptions", "00000.png");
const script = (name: string) => path.join(import.meta.dirname, "scripts", name);

interface Client {
  name: string;
  /** Command and arguments, and the folder that its packages are in. */
  command: () => { args: [string, ...string[]]; cwd?: string };
}

const onNode = (
  name: string,
  file: string,
  packages: Record<string, string>,
  { newer = false }: { newer?: boolean } = {},
): Client => ({
  name: `${Object.entries(packages)
    .slice(0, 2)
    .map((each) => each.join(" "))
    .join(", ")}${newer ? " on Node 22" : ""}`,
  command: () => ({ args: [newer ? newerNode() : process.execPath, script(file)], cwd: npmSet(name, packages) }),
});

const onPython = (packages: string[], file: string): Client => ({
  name: packages.join(", "),
  command: () => ({ args: [pythonSet("python", pythonPackages), script(file)] }),
});

const pythonPackages = ["openai==3.57.0", "anthropic==2.14.0", "litellm==1.110.2"];
const newer = { newer: true };

const clients: Client[] = [
  onNode("openai-6", "openai.mjs", { openai: "6.49.0" }),
  onNode("openai-7", "openai.mjs", { openai: "7.55.0" }, newer),
  onNode("ai-6", "ai.mjs", { ai: "6.0.325", "@ai-sdk/openai-compatible": "2.0.92", zod: "4.1.12" }),
  onNode("ai-7", "ai.mjs", { ai: "7.0.173", "@ai-sdk/openai-compatible": "3.0.92", zod: "4.1.12" }, newer),
  onNode("langchain-1.5", "langchain.mjs", { "@langchain/openai": "1.5.8", "@langchain/core": "1.4.0" }),
  onNode("langchain-1.6", "langchain.mjs", { "@langchain/openai": "1.6.0", "@langchain/core": "1.4.0" }, newer),
  onPython(["openai==3.57.0"], "openai_client.py"),
  onPython(["litellm==1.110.2"], "litellm_client.py"),
];

/** What a script prints as its last line. */
function run({ command }: Client): Promise<Record<string, unknown>> {
  const {
    args: [program, ...rest],
    cwd,
  } = command();
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...rest, `${url()}/v1`, image], { cwd, timeout: 280_000 });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (data: Buffer) => (stdout += data.toString()));
    child.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
    child.on("error", reject);
    child.on("close", (status) => {
      if (status === 0) resolve(JSON.parse(stdout.trim().split("\n").at(-1)!) as Record<string, unknown>);
      else reject(new Error(`the client ended with ${status}: ${stderr.slice(-3000)}`));
    });
  });
}

/** Requests whose client left before their answer was whole. */
async function left(): Promise<number> {
  const lines = (await (await fetch(`${url()}/metrics`)).text()).matchAll(
    /^medinfer_requests_total\{[^\n]*outcome="client_gone"[^\n]*\} (\d+)$/gm,
  );
  return [...lines].reduce((sum, [, count]) => sum + Number(count), 0);
}

describe.each(clients)("$name", (client) => {
  test("gets what curl gets, and ends what it aborts", { timeout: 900_000 }, async () => {
    const plain = await postJson(`${url()}/v1/chat/completions`, {
      model,
      temperature: 0,
      max_tokens: 24,
      messages: [{ role: "user", content: "What is hypertension?" }],
    });
    const answer = plain.choices[0].message.content;
    const engine = server().service.models.find(model).engine!;
    const before = await left();

    const seen = await run(client);

    expect(seen).toMatchObject({
      whole: answer,
      streamed: answer,
      helper: answer,
      usage: plain.usage.completion_tokens,
      image: expect.stringMatching(/\w{3}/),
      tool: [["look_up", { drug: expect.stringMatching(/^(aspirin|metformin)$/) }]],
      toolStreamed: [["look_up", { drug: expect.stringMatching(/^(aspirin|metformin)$/) }]],
      toolReason: "tool_calls",
      schema: { drug: expect.stringMatching(/^(aspirin|metformin)$/) },
      schemaStreamed: { drug: expect.stringMatching(/^(aspirin|metformin)$/) },
      error: [404, "model_not_found", "invalid_request_error"],
    });
    expect(seen.chunksBeforeAbort).toBeLessThan(100);
    await until(async () => (await left()) === before + 1);
    expect(engine.stats().running).toBe(0);
  });
});

test("anthropic for Python", { timeout: 900_000 }, async () => {
  const plain = await postJson(`${url()}/v1/messages`, {
    model,
    temperature: 0,
    max_tokens: 24,
    messages: [{ role: "user", content: "What is hypertension?" }],
  });
  const answer = plain.content[0].text;
  const engine = server().service.models.find(model).engine!;
  const before = await left();
  const seen = await run(onPython(["anthropic==2.14.0"], "anthropic_client.py"));
  expect(seen).toMatchObject({
    whole: answer,
    streamed: answer,
    helper: answer,
    usage: plain.usage.output_tokens,
    image: expect.stringMatching(/\w{3}/),
    tool: [["look_up", { drug: expect.stringMatching(/^(aspirin|metformin)$/) }]],
    toolStreamed: [["look_up", { drug: expect.stringMatching(/^(aspirin|metformin)$/) }]],
    toolReason: "tool_use",
    error: [404, "not_found_error"],
    count: seen.input,
  });
  await until(async () => (await left()) === before + 1);
  expect(engine.stats().running).toBe(0);
});

describe("curl", () => {
  const curl = async (...args: string[]) =>
    (await promisify(execFile)("curl", ["-sS", "--max-time", "60", ...args], { encoding: "utf8" })).stdout;
  const chat = (body: object, ...args: string[]) =>
    curl(...args, `${url()}/v1/chat/completions`, "-H", "content-type: application/json", "-d", JSON.stringify(body));
  const base = {
    model,
    temperature: 0,
    max_tokens: 24,
    messages: [{ role: "user", content: "What is hypertension?" }],
  };

  test("whole and streamed", async () => {
    const whole = JSON.parse(await chat(base)) as Json;
    const events = (await chat({ ...base, stream: true }, "-N")).split("\n\n");
    const chunks = events.filter((each) => each.startsWith("data: {")).map((each) => JSON.parse(each.slice(6)) as Json);
    const text = chunks.map((chunk) => chunk.choices[0].delta.content ?? "").join("");
    expect(text).toBe(whole.choices[0].message.content);
    expect(events.slice(-2)).toEqual(["data: [DONE]", ""]);
  });

  test("an image, from a file", async () => {
    const part = {
      type: "image_url",
      image_url: { url: `data:image/png;base64,${readFileSync(image).toString("base64")}` },
    };
    const folder = mkdtempSync(path.join(tmpdir(), "medinfer-curl-"));
    const file = path.join(folder, "body.json");
    writeFileSync(file, JSON.stringify({ ...base, max_tokens: 60, messages: [{ role: "user", content: [part] }] }));
    const answer = await curl(
      `${url()}/v1/chat/completions`,
      "-H",
      "content-type: application/json",
      "--data-binary",
      `@${file}`,
    );
    rmSync(folder, { recursive: true });
    expect((JSON.parse(answer) as Json).choices[0].message.content).toMatch(/\w{3}/);
  });

  test("an error has its status", async () => {
    const out = await chat({ ...base, model: "another" }, "-w", "\n%{http_code}");
    expect(out).toMatch(/"code":"model_not_found".*\n404$/);
  });
});
