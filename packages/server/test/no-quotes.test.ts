/** No error of an endpoint that generates repeats what was sent, wherever in the body it stands. */
import { expect, test } from "vitest";

import { model, post, running } from "./support/running.js";
import { drugSchema, prescription } from "./support/samples.js";

const { url } = running();

/** What no answer may hold; as a value, not even one word of it. */
const patient = "Zebulon Quackenbush";
const word = "Quackenbush";

const image = `data:image/png;base64,${prescription}`;
const functionTool = { name: "look_up", description: "x", parameters: drugSchema, strict: true };
const bodies: [string, Record<string, unknown>][] = [
  [
    "/v1/chat/completions",
    {
      model,
      messages: [
        { role: "system", content: "x" },
        {
          role: "user",
          content: [
            { type: "text", text: "x" },
            { type: "image_url", image_url: { url: image } },
          ],
        },
        {
          role: "assistant",
          content: "x",
          tool_calls: [{ id: "1", type: "function", function: { name: "look_up", arguments: "{}" } }],
        },
        { role: "tool", content: "x", tool_call_id: "1" },
      ],
      tools: [{ type: "function", function: functionTool }],
      tool_choice: { type: "function", function: { name: "look_up" } },
      max_tokens: 2,
      temperature: 0,
      stop: ["y"],
      logit_bias: { "5": 1 },
    },
  ],
  [
    "/v1/chat/completions",
    {
      model,
      messages: [{ role: "user", content: "x" }],
      response_format: { type: "json_schema", json_schema: { name: "x", schema: drugSchema } },
      max_tokens: 40,
      grammar: undefined,
      chatTemplate: "chatml",
      reasoning_effort: "low",
      sampling: { topK: 5, samplers: ["temperature"] },
    },
  ],
  ["/v1/completions", { model, prompt: ["x", "y"], suffix: "x", max_tokens: 2, stop: "z", echo: false, logprobs: 1 }],
  ["/v1/completions", { model, prompt: "x", max_tokens: 2, jsonSchema: drugSchema, stopRegexes: ["a+"] }],
  ["/v1/completions", { model, prompt: "x", max_tokens: 2, grammar: 'root ::= "a"', adapters: ["a"], n: 2 }],
  [
    "/v1/responses",
    {
      model,
      instructions: "x",
      input: [
        {
          role: "user",
          content: [
            { type: "input_text", text: "x" },
            { type: "input_image", image_url: image },
          ],
        },
        { type: "reasoning", summary: [{ type: "summary_text", text: "x" }] },
        { type: "function_call", call_id: "1", name: "look_up", arguments: "{}" },
        { type: "function_call_output", call_id: "1", output: "x" },
      ],
      tools: [{ type: "function", ...functionTool }],
      tool_choice: { type: "allowed_tools", mode: "auto", tools: [{ type: "function", name: "look_up" }] },
      text: { format: { type: "text" } },
      include: [],
      previous_response_id: null,
      max_output_tokens: 2,
    },
  ],
  [
    "/v1/messages",
    {
      model,
      max_tokens: 2,
      system: "x",
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "x" },
            { type: "image", source: { type: "base64", media_type: "image/png", data: prescription } },
          ],
        },
        {
          role: "assistant",
          content: [
            { type: "thinking", thinking: "x", signature: "" },
            { type: "tool_use", id: "1", name: "look_up", input: {} },
          ],
        },
        { role: "user", content: [{ type: "tool_result", tool_use_id: "1", content: "x" }] },
      ],
      tools: [{ name: "look_up", input_schema: drugSchema }],
      tool_choice: { type: "tool", name: "look_up" },
      stop_sequences: ["y"],
      output_config: { effort: "low" },
    },
  ],
];

/** The value with each of its parts in turn replaced by a text, and each object with a key of the name. */
function* planted(value: unknown, text: string): Generator<unknown> {
  yield text;
  if (typeof value !== "object" || value === null) return;
  for (const [key, part] of Object.entries(value)) {
    for (const other of planted(part, text)) {
      if (Array.isArray(value)) yield value.map((each, i) => (i === Number(key) ? other : (each as unknown)));
      else yield { ...value, [key]: other };
    }
  }
  if (!Array.isArray(value)) yield { ...value, [patient]: "x" };
}

test.each(bodies)("of %s", { timeout: 120_000 }, async (path, body) => {
  const quoting: string[] = [];
  for (const text of [patient, word]) {
    for (const each of planted(body, text)) {
      const response = await post(url() + path, each);
      const answer = await response.text();
      expect(response.status).toBeLessThan(500);
      if (response.status !== 200 && answer.includes(word)) quoting.push(answer);
    }
  }
  expect(quoting).toEqual([]);
});
