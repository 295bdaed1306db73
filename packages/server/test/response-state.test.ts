/** Responses that are kept, where the server is told to. */
import OpenAI from "openai";
import { expect, test } from "vitest";

import { model, post, postJson, running, type Json } from "./support/running.js";

const { url } = running({ responseState: true });
const path = () => `${url()}/v1/responses`;
const greedy = { model, temperature: 0, max_output_tokens: 24 };
const client = () => new OpenAI({ baseURL: `${url()}/v1`, apiKey: "none", maxRetries: 0 });

test("a response goes on from one before as from the whole conversation", async () => {
  const first = await client().responses.create({ ...greedy, input: "What is hypertension?" });
  expect(first).toMatchObject({ store: true });
  const next = await client()
    .responses.stream({ ...greedy, input: "Why?", previous_response_id: first.id })
    .finalResponse();
  const whole = await client().responses.create({
    ...greedy,
    input: [
      { role: "user", content: "What is hypertension?" },
      { role: "assistant", content: first.output_text },
      { role: "user", content: "Why?" },
    ],
  });
  expect(next.output_text).toBe(whole.output_text);
  expect(next.usage!.input_tokens).toBe(whole.usage!.input_tokens);
  const third = await client().responses.create({ ...greedy, input: "And?", previous_response_id: next.id });
  expect(third.usage!.input_tokens).toBeGreaterThan(next.usage!.input_tokens);
});

test("it can be asked for, and forgotten", async () => {
  const { id, output_text: text } = await client().responses.create({ ...greedy, input: "What is asthma?" });
  expect((await client().responses.retrieve(id)).output_text).toBe(text);
  await client().responses.delete(id);
  await expect(client().responses.retrieve(id)).rejects.toMatchObject({ status: 404, code: "response_not_found" });
});

test("one that was not to be stored, or never was, is none to go on from", async () => {
  const { id, store } = await postJson(path(), { ...greedy, input: "What is asthma?", store: false });
  expect(store).toBe(false);
  for (const previous of [id, "resp_other"]) {
    const response = await post(path(), { ...greedy, input: "Why?", previous_response_id: previous });
    const { error } = (await response.json()) as Json;
    const told = [response.status, error.code, error.param];
    expect(told).toEqual([400, "previous_response_not_found", "previous_response_id"]);
  }
});
