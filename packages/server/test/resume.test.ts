import { setTimeout as sleep } from "node:timers/promises";

import { expect, test } from "vitest";

import { model, post, running } from "./support/running.js";

const { url, server } = running();
const messages = [{ role: "user", content: "What is hypertension?" }];
const body = {
  model,
  messages,
  stream: true,
  resumable: true,
  temperature: 0,
  max_tokens: 400,
  ignoreEos: true,
  maxDraftTokens: 0,
};

/** Reads events until there are so many, or to the end; of what came with the last of them nothing is kept. */
async function read(response: Response, most = Infinity): Promise<{ id: number; data: string }[]> {
  const events: { id: number; data: string }[] = [];
  let text = "";
  const decoder = new TextDecoder();
  for await (const part of response.body!) {
    text += decoder.decode(part, { stream: true });
    const whole = text.split("\n\n");
    text = whole.pop()!;
    for (const each of whole) {
      const [, id, data] = /^id: (\d+)\ndata: ([^]*)$/.exec(each) ?? [];
      if (data !== undefined) events.push({ id: Number(id), data });
    }
    if (events.length >= most) break;
  }
  return events.slice(0, most);
}

const textOf = (events: { data: string }[]) =>
  events
    .filter(({ data }) => data !== "[DONE]")
    .map(({ data }) => JSON.parse(data).choices[0].delta.content ?? "")
    .join("");

test("a stream whose connection is lost goes on, and its client can go on behind the last event that it has", async () => {
  const whole = await read(await post(`${url()}/v1/chat/completions`, body));
  const first = await post(`${url()}/v1/chat/completions`, body);
  const begun = await read(first, 3); // leaving the loop ends the connection
  const { id } = JSON.parse(begun[0]!.data);
  await sleep(50);
  const last = begun.at(-1)!.id;
  const resume = (after: number) => fetch(`${url()}/v1/streams/${id}`, { headers: { "last-event-id": String(after) } });
  const rest = await read(await resume(last));
  expect(rest[0]!.id).toBe(last + 1);
  expect(textOf([...begun, ...rest])).toBe(textOf(whole));
  expect(rest.at(-1)!.data).toBe("[DONE]");

  // It is kept for a minute: a second time, from its beginning.
  const again = await read(await resume(0));
  expect(again.map((event) => event.id)).toEqual(again.map((_, i) => i + 1));
  expect((await resume(again.length)).status).toBe(200);
  expect((await resume(again.length + 1)).status).toBe(400);
  expect(textOf(again)).toBe(textOf(whole));
});

test("without resumable a lost connection ends the request, and there is nothing to resume", async () => {
  const response = await post(`${url()}/v1/chat/completions`, { ...body, resumable: false });
  const reader = response.body!.getReader();
  const { value } = await reader.read();
  const [, id] = /"id":"([^"]+)"/.exec(new TextDecoder().decode(value)) ?? [];
  await reader.cancel();
  const engine = server().service.models.find(model).engine!;
  for (let i = 0; i < 200 && engine.stats().running > 0; i++) await sleep(10);
  expect(engine.stats().running).toBe(0);
  expect((await fetch(`${url()}/v1/streams/${id}`)).status).toBe(404);
});

test("what is no number of an event is refused", async () => {
  const response = await fetch(`${url()}/v1/streams/x`, { headers: { "last-event-id": "last" } });
  expect(response.status).toBe(400);
});

test("a reader whose place another takes is broken off, and not ended as if it were whole", async () => {
  const first = await post(`${url()}/v1/chat/completions`, { ...body, max_tokens: 3000 });
  const reader = first.body!.getReader();
  const { value } = await reader.read();
  const [, id] = /"id":"([^"]+)"/.exec(new TextDecoder().decode(value)) ?? [];
  const second = await fetch(`${url()}/v1/streams/${id}`, { headers: { "last-event-id": "0" } });
  const toTheEnd = async () => {
    while (!(await reader.read()).done);
  };
  await expect(toTheEnd()).rejects.toThrow();
  expect((await read(second)).at(-1)!.data).toBe("[DONE]");
});
