/** `medinfer serve` as a process: what it prints, answers and does with signals. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

import { afterEach, describe, expect, test } from "vitest";

import { withoutCpuWarning } from "../../../test/support/node-arguments.mjs";
import { fromRoot } from "../../../test/support/paths.mjs";
import { embeddedModel, program, run, temporaryFolder } from "./support.js";

let child: ChildProcess | undefined;
afterEach(() => child?.kill("SIGKILL"));

interface Served {
  url: string;
  lines: string[];
  ended: Promise<unknown[]>;
}

/** Starts it on a free port. Resolves when it is ready. */
async function serve(...args: string[]): Promise<Served> {
  const started = spawn(process.execPath, [withoutCpuWarning, program, "serve", "--port", "0", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  child = started;
  let stdout = "";
  started.stdout.on("data", (data: Buffer) => (stdout += data.toString()));
  const lines: string[] = [];
  const ended = once(started, "exit").then((how) => {
    expect(stdout).toBe("");
    return how;
  });
  const url = await new Promise<string>((resolve, reject) => {
    let found = "";
    createInterface({ input: started.stderr }).on("line", (line) => {
      lines.push(line);
      found = /listening on (\S+)/.exec(line)?.[1] ?? found;
      if (line.includes("ready: ")) resolve(found);
    });
    ended.then(() => reject(new Error(lines.join("\n"))), reject);
  });
  return { url, lines, ended };
}

const post = (url: string, body: string) =>
  fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });

const long = JSON.stringify({
  model: "medinfer-tiny",
  messages: [{ role: "user", content: "What is hypertension?" }],
  max_tokens: 3500,
  ignoreEos: true,
  stream: true,
});

describe("the requests of the seed, as requests.post(json=payload) sends them", () => {
  const chat =
    '{"model": "Medical-LLM-7B", "messages": [{"role": "system", "content": "You are a professional medical assistant"}, ' +
    '{"role": "user", "content": "Explain symptoms of chronic fatigue syndrome"}], "temperature": 0.7, "max_tokens": 1024}';
  const text =
    '{"model": "Medical-LLM-7B", "prompt": "Provide a detailed explanation of rheumatoid arthritis treatment", ' +
    '"temperature": 0.7, "max_tokens": 4096}';

  test("chat completions and completions, of a model by the name that it was started with", async () => {
    const { url } = await serve("--model", `Medical-LLM-7B=${embeddedModel}`);
    const answer = (await (await post(`${url}/v1/chat/completions`, chat)).json()) as {
      model: string;
      choices: { message: { content: string } }[];
    };
    expect(answer.model).toBe("Medical-LLM-7B");
    expect(answer.choices[0]!.message.content).toMatch(/\w/);
    const completion = (await (await post(`${url}/v1/completions`, text)).json()) as { choices: { text: string }[] };
    expect(completion.choices[0]!.text).toMatch(/\w/);
  });
});

describe("--files-folder", () => {
  test("keeps files up to --files-quota, which a config file may say, for one server", async () => {
    const folder = temporaryFolder();
    const config = path.join(folder, "config.json");
    const files = path.join(folder, "files");
    writeFileSync(config, JSON.stringify({ serve: { "files-folder": files, "files-quota": 1 } }));
    const { url } = await serve("--config", config);
    const upload = async (bytes: number) => {
      const body = new FormData();
      body.append("purpose", "user_data");
      body.append("file", new Blob(["x".repeat(bytes)]), "a.txt");
      return (await fetch(`${url}/v1/files`, { method: "POST", body })).status;
    };
    expect([await upload(2 ** 20 - 1), await upload(2)]).toEqual([200, 413]);
    const second = await run(["serve", "--port", "0", "--files-folder", files]);
    expect([second.status, second.stderr]).toEqual([
      1,
      expect.stringMatching(/^medinfer: INVALID_ARGUMENT: filesFolder: another server has this folder: [^\n]*\n$/),
    ]);
  });
});

test("--models, in a config file as on the command line: models with options of their own", async () => {
  const folder = temporaryFolder();
  const models = path.join(folder, "models.json");
  const config = path.join(folder, "medinfer.config.json");
  // As the README has it: both are the tiny model inside the package.
  const readme = readFileSync(fromRoot("packages", "cli", "README.md"), "utf8");
  writeFileSync(models, /```json\n(\[[^]*?)```/.exec(readme)![1]!);
  writeFileSync(
    config,
    JSON.stringify({ serve: { models, "audit-log": path.join(folder, "audit"), "audit-keep": 2 } }),
  );
  const { url, lines } = await serve("--config", config);
  expect(lines.at(-1)).toBe("medinfer: ready: reader, second");
  const ask = (model: string, words: number) =>
    post(
      `${url}/v1/chat/completions`,
      JSON.stringify({ model, messages: [{ role: "user", content: "gout ".repeat(words) }], max_tokens: 3 }),
    );
  expect((await ask("default", 600)).status).toBe(200);
  // Its own context.
  const tooLong = (await (await ask("second", 600)).json()) as { error: { message: string } };
  expect(tooLong.error.message).toContain("512");
});

describe("--offline", () => {
  test("serves, and has no use for images by URL", async () => {
    const { url } = await serve("--offline");
    const answer = await post(
      `${url}/v1/chat/completions`,
      JSON.stringify({ ...(JSON.parse(long) as object), max_tokens: 3 }),
    );
    expect(await answer.text()).toContain("[DONE]");
    const both = await run(["serve", "--port", "0", "--offline", "--image-urls"]);
    expect(both.status).toBe(1);
    expect(both.stderr).toContain("--offline forbids it");
  });

  test("lets no code of the process open a connection", async () => {
    const module = JSON.stringify(fromRoot("packages", "cli", "dist", "serve", "offline.js"));
    const code = `
      import net from "node:net"; import http from "node:http"; import dns from "node:dns"; import dgram from "node:dgram";
      import { refuseConnections } from ${module};
      const server = net.createServer((socket) => socket.end("x")).listen(0, "localhost");
      await new Promise((done) => server.once("listening", done));
      const { port } = server.address();
      refuseConnections();
      const why = async (work) => { try { await work(); return "open"; } catch (error) { return error.code ?? error.cause?.code; } };
      const all = [
        () => net.connect(port, "127.0.0.1"),
        () => new Promise((_, fail) => http.get({ port }).on("error", fail)),
        () => fetch("http://127.0.0.1:" + port),
        () => dns.lookup("pictures.example", () => {}),
        () => dgram.createSocket("udp4").send("x", 9, "127.0.0.1"),
      ];
      const found = [];
      for (const each of all) found.push(await why(each));
      console.log(JSON.stringify(found));
      process.exit();
    `;
    const found = spawnSync(process.execPath, ["--input-type=module", "-e", code], { encoding: "utf8" });
    expect(JSON.parse(found.stdout)).toEqual(Array(5).fill("INVALID_ARGUMENT"));
  });
});

describe("signals", () => {
  test("SIGTERM: a running answer is finished, new ones are refused, the status is 0", async () => {
    const { url, ended } = await serve();
    const body = JSON.stringify({ ...(JSON.parse(long) as object), max_tokens: 1500 });
    const response = await post(`${url}/v1/chat/completions`, body);
    const text = response.text();
    child!.kill("SIGTERM");
    expect(await text).toMatch(/"finish_reason":"length".*\n\ndata: \[DONE\]\n\n$/);
    await expect(fetch(`${url}/health`)).rejects.toThrow();
    expect(await ended).toEqual([0, null]);
  });

  test("SIGTERM: what is not done by the deadline gets an error event, and a broken end", async () => {
    const { url, ended } = await serve("--drain", "0");
    const response = await post(`${url}/v1/chat/completions`, long);
    const reader = response.body!.getReader();
    let text = new TextDecoder().decode((await reader.read()).value);
    child!.kill("SIGTERM");
    const broken = (async () => {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return "whole";
        text += new TextDecoder().decode(value);
      }
    })();
    await expect(broken).rejects.toThrow();
    expect(text).toContain('"code":"server_ending"');
    expect(text).not.toContain("[DONE]");
    expect(await ended).toEqual([0, null]);
  });

  test("a second signal ends at once", async () => {
    const { url, ended, lines } = await serve("--drain", "60");
    await (await post(`${url}/v1/chat/completions`, long)).body!.getReader().read();
    child!.kill("SIGTERM");
    await untilTrue(() => lines.some((line) => line.includes("another signal ends at once")));
    child!.kill("SIGTERM");
    const [status] = (await ended) as [number];
    expect(status).not.toBe(0);
  });
});

test("a port that is taken is an error that says what to do", async () => {
  const { url } = await serve();
  const second = await run(["serve", "--port", new URL(url).port]);
  expect(second.status).toBe(1);
  expect(second.stderr).toMatch(/^medinfer: INVALID_ARGUMENT: cannot listen on 127\.0\.0\.1:\d+: .*another port\n$/);
});

test("a model that is not there is an error, and the process ends", async () => {
  const outcome = await run(["serve", "--port", "0", "--model", "x=/nowhere.gguf"]);
  expect(outcome.status).toBe(1);
  expect(outcome.stderr).toContain("MODEL_NOT_FOUND");
});

async function untilTrue(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 1000; i++) {
    if (holds()) return;
    await sleep(10);
  }
  throw new Error("it never came true");
}
