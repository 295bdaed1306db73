/** Each example as a process of its own: paths of its own, a whole answer, a stream, an error, and an end. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import path from "node:path";

import { afterEach, expect, test } from "vitest";

import { withoutCpuWarning } from "../../../test/support/node-arguments.mjs";
import { chunksOf, model, post, postJson } from "./support/running.js";

let child: ChildProcess;
afterEach(() => child.kill("SIGKILL"));

async function start(example: string): Promise<string> {
  const file = path.join(import.meta.dirname, "..", "examples", `${example}.mjs`);
  child = spawn(process.execPath, [withoutCpuWarning, file], {
    env: { ...process.env, PORT: "0" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [first] = (await once(child.stdout!, "data")) as [Buffer];
  return first.toString().trim();
}

test.each(["alone", "in-http", "in-hono", "in-express", "in-fastify"])("%s", async (example) => {
  const url = await start(example);
  const body = {
    model,
    temperature: 0,
    max_tokens: 16,
    messages: [{ role: "user", content: "What is hypertension?" }],
  };
  const answer = await postJson(`${url}/v1/chat/completions`, body);
  expect(answer.choices[0].message.content).toMatch(/\w/);
  const chunks = await chunksOf(await post(`${url}/v1/chat/completions`, { ...body, stream: true }));
  expect(chunks.map((chunk) => chunk.choices[0].delta.content ?? "").join("")).toBe(answer.choices[0].message.content);
  expect((await post(`${url}/v1/chat/completions`, "{")).status).toBe(400);
  if (example !== "alone") expect(await (await fetch(`${url}/mine`)).text()).toBe("mine");
  child.kill("SIGTERM");
  const [status] = (await once(child, "exit")) as [number | null];
  expect(status).toBe(0);
});
