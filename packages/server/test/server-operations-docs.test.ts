/** The examples of docs/guide/server-operations.md: those of the shell are one session, as its reader would have it. */
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

import { afterAll, afterEach, beforeAll, expect, test } from "vitest";

import { fromRoot } from "../../../test/support/paths.mjs";
import { model, post } from "./support/running.js";
import { until } from "./support/until.js";

const page = readFileSync(fromRoot("docs", "guide", "server-operations.md"), "utf8");
const blocksOf = (language: string) =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms"))].map(([, code]) => code!);
const shell = blocksOf("sh");
const tracedServer = shell.find((each) => each.startsWith("NODE_OPTIONS="))!;
const session = shell.filter((each) => each !== tracedServer);
const [program, tracing] = blocksOf("js") as [string, string];

/** As a project that has installed the packages. */
const folder = mkdtempSync(path.join(tmpdir(), "medinfer-operations-"));
symlinkSync(fromRoot("node_modules"), path.join(folder, "node_modules"));
const env = { ...process.env, PATH: `${fromRoot("node_modules", ".bin")}:${process.env.PATH}` };
let port: number;
beforeAll(async () => {
  port = await freePort();
});
let child: ChildProcess | undefined;
afterEach(() => child?.kill("SIGKILL"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port: free } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return free;
}

/** What each example of the session has to print, by how it begins. */
const prints: [start: string, output: RegExp][] = [
  ["head -c 32", /^\{"status":"ok"\}$/],
  ["curl -s http://127.0.0.1:8080/metrics", /^vllm:num_requests_waiting\{model_name="medinfer-tiny"\} 0\n/],
  ["curl -s http://127.0.0.1:8080/v1/chat/completions", /"object":"chat.completion"/],
  [
    "grep",
    /^\{"level":"info",.*"id":"ward-3:17","endpoint":"POST \/v1\/chat\/completions","status":200,.*"bytes":\d+,"msg":"request"\}$/,
  ],
  ["tail -n 1", /^\{"time":"[^"]+","id":"ward-3:17","key":"none",.*"promptDigest":"\w{64}","outcome":"answered",/],
  ["node -e", /^1$/],
  ["curl -sN", /^id: 3\ndata: \{"id":"chatcmpl-.*data: \[DONE\]$/s],
  ["kill -TERM", /^$/],
];

test("the shell's", { timeout: 120_000 }, async () => {
  expect(session.map((each) => prints.find(([start]) => each.startsWith(start))?.[0])).toEqual(
    prints.map(([start]) => start),
  );
  const mark = "=====";
  // A line is written behind its answer; a reader is slower than that.
  const written = "until grep -q ward-3 server.log && grep -q ward-3 audit.jsonl; do sleep 0.1; done";
  const script = session
    .map((each) => `${each}\n${each.includes("ward-3:17") ? written : ""}\necho ${mark}\n`)
    .join("");
  const placed = `trap 'kill $(jobs -p) 2> /dev/null || true' EXIT\n${script}`
    .replaceAll("127.0.0.1:8080", `127.0.0.1:${port}`)
    .replace("medinfer serve", `medinfer serve --port ${port}`);
  const { stdout, stderr } = await promisify(execFile)("bash", ["--norc", "-euo", "pipefail", "-c", placed], {
    cwd: folder,
    env,
    timeout: 100_000,
  });
  expect(stderr).toBe("");
  const outputs = stdout.split(`${mark}\n`).slice(0, -1);
  expect(outputs).toHaveLength(prints.length);
  for (const [i, [, output]] of prints.entries()) expect(outputs[i]!.trim()).toMatch(output);
});

/** Starts it, asks once when it is ready, ends it by a signal. @returns what it printed, and its status */
async function served(command: string, args: string[], at: number) {
  const started = spawn(command, args, { cwd: folder, env, stdio: ["ignore", "pipe", "inherit"] });
  child = started;
  let stdout = "";
  started.stdout.on("data", (data: Buffer) => (stdout += data.toString()));
  const url = `http://127.0.0.1:${at}`;
  const isReady = () =>
    fetch(`${url}/health`).then(
      ({ status }) => status === 200,
      () => false,
    );
  await until(isReady, 60_000);
  const response = await post(`${url}/v1/chat/completions`, {
    model,
    messages: [{ role: "user", content: "What is gout?" }],
    max_tokens: 4,
  });
  expect(response.status).toBe(200);
  await response.text();
  const exited = once(started, "exit");
  started.kill("SIGTERM");
  const [status] = (await exited) as [number | null];
  return { stdout, status };
}

test("a program", { timeout: 120_000 }, async () => {
  writeFileSync(path.join(folder, "audit.secret"), "sixteen bytes or more");
  writeFileSync(path.join(folder, "server.mjs"), program.replace("8080", String(port)));
  const { status } = await served(process.execPath, ["server.mjs"], port);
  expect(status).toBe(0);
  expect(readFileSync(path.join(folder, "audit.jsonl"), "utf8")).toContain('"status":200');
});

test("a server whose spans are printed", { timeout: 120_000 }, async () => {
  writeFileSync(path.join(folder, "tracing.mjs"), tracing);
  // In the shell's place, so that the signal is the server's.
  const command = `exec env ${tracedServer.replace("8081", String(port))}`;
  const { stdout, status } = await served("bash", ["--norc", "-c", command], port);
  expect(status).toBe(0);
  for (const name of ["POST /v1/chat/completions", "prefill", "decode"]) expect(stdout).toContain(`name: '${name}'`);
});
