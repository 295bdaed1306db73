/** `medinfer serve` as a process: what it prints, answers and does with signals. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

import { afterEach, describe, expect, test } from "vitest";

import { withoutCpuWarning } from "../../../test/support/node-arguments.mjs";
import { embeddedModel, program, run } from "./support.js";

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

  test("chat completions, of a model by the name that it was started with", async () => {
    const { url } = await serve("--model", `Medical-LLM-7B=${embeddedModel}`);
    const answer = (await (await post(`${url}/v1/chat/completions`, chat)).json()) as {
      model: string;
      choices: { message: { content: string } }[];
    };
    expect(answer.model).toBe("Medical-LLM-7B");
    expect(answer.choices[0]!.message.content).toMatch(/\w/);
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
