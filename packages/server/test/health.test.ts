import { once } from "node:events";
import { connect } from "node:net";

import { expect, test } from "vitest";

import { model, post, running, type Json } from "./support/running.js";

const { url, server } = running({ models: [{ name: model, nThreads: 1, keepLoaded: true, nCtx: 4096, nUbatch: 64 }] });

test("health and metrics answer while a long prompt is read", async () => {
  const { engine } = server().service.models.find(model);
  const { steps } = engine!.stats();
  let done = false;
  const messages = [{ role: "user", content: "ahh ".repeat(1000) }];
  const answer = post(`${url()}/v1/chat/completions`, { model, messages, max_tokens: 1 }).then((response) => {
    done = true;
    return response.json() as Promise<Json>;
  });
  // Answered while the engine was in the prompt: it runs, and has generated nothing yet.
  const meanwhile = { health: 0, metrics: 0 };
  const { generatedTokens } = engine!.stats();
  while (!done) {
    const statuses = await Promise.all([
      fetch(`${url()}/health/live`),
      fetch(`${url()}/health`),
      fetch(`${url()}/metrics`),
    ]);
    for (const each of statuses) {
      expect(each.status).toBe(200);
      await each.text();
    }
    const stats = engine!.stats();
    if (stats.running === 1 && stats.generatedTokens === generatedTokens) {
      meanwhile.health += 2;
      meanwhile.metrics += 1;
    }
  }
  const { usage } = await answer;
  expect(usage.prompt_tokens).toBeGreaterThan(1900);
  expect(engine!.stats().steps - steps).toBeGreaterThanOrEqual(30);
  expect(meanwhile.health).toBeGreaterThan(2);
  expect(meanwhile.metrics).toBeGreaterThan(1);
});

test("a server whose only model was unloaded is ready: who asks next has it loaded again", async () => {
  const { models } = server().service;
  await models.unload(models.find(model));
  expect(models.find(model).state).toBe("unloaded");
  expect((await fetch(`${url()}/health/ready`)).status).toBe(200);
  const messages = [{ role: "user", content: "What is gout?" }];
  expect((await post(`${url()}/v1/chat/completions`, { model, messages, max_tokens: 1 })).status).toBe(200);
});

test("a probe of HTTP/1.0, which names no host, is answered", async () => {
  const socket = connect(Number(new URL(url()).port), "127.0.0.1").setEncoding("utf8");
  socket.write("GET /health/live HTTP/1.0\r\n\r\n");
  const [answer] = (await once(socket, "data")) as [string];
  socket.destroy();
  expect(answer).toMatch(/^HTTP\/1\.1 200 /);
});
