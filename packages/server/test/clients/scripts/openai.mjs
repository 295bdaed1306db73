// openai for JavaScript: node openai.mjs BASE_URL IMAGE_FILE, with the package in the current folder.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const require = createRequire(path.join(process.cwd(), "package.json"));
const { default: OpenAI } = await import(pathToFileURL(require.resolve("openai")).href);

const [, , baseURL, file] = process.argv;
const client = new OpenAI({ baseURL, apiKey: "none", maxRetries: 0 });
const model = "medinfer-tiny";
const messages = [{ role: "user", content: "What is hypertension?" }];
const greedy = { model, temperature: 0, max_tokens: 24 };
const url = `data:image/png;base64,${readFileSync(file).toString("base64")}`;
const image = [{ role: "user", content: [{ type: "image_url", image_url: { url } }] }];
const parameters = {
  type: "object",
  properties: { drug: { type: "string", enum: ["aspirin", "metformin"] } },
  required: ["drug"],
  additionalProperties: false,
};
const tools = [{ type: "function", function: { name: "look_up", parameters, strict: true } }];
const forced = { tools, tool_choice: "required", parallel_tool_calls: false, max_tokens: 200 };
const response_format = { type: "json_schema", json_schema: { name: "drug", strict: true, schema: parameters } };

const whole = await client.chat.completions.create({ ...greedy, messages });
let streamed = "";
let usage;
for await (const chunk of await client.chat.completions.create({
  ...greedy,
  messages,
  stream: true,
  stream_options: { include_usage: true },
})) {
  streamed += chunk.choices[0]?.delta.content ?? "";
  usage = chunk.usage ?? usage;
}
const helper = client.chat.completions.stream({ ...greedy, messages });
const seen = await client.chat.completions.create({ ...greedy, max_tokens: 60, messages: image });
const called = await client.chat.completions.create({ ...greedy, messages, ...forced });
const calledStream = await client.chat.completions.stream({ ...greedy, messages, ...forced }).finalChatCompletion();
const parsed = await client.chat.completions.parse({ ...greedy, max_tokens: 60, messages, response_format });
const parsedStream = await client.chat.completions
  .stream({ ...greedy, max_tokens: 60, messages, response_format })
  .finalChatCompletion();

const controller = new AbortController();
let chunksBeforeAbort = 0;
try {
  const endless = { ...greedy, max_tokens: 4000, messages, stream: true, ignoreEos: true };
  for await (const _chunk of await client.chat.completions.create(endless, { signal: controller.signal })) {
    if (++chunksBeforeAbort === 5) controller.abort();
  }
} catch {
  // some versions throw, others end the loop
}
let code;
try {
  await client.chat.completions.create({ ...greedy, model: "another", messages });
} catch (error) {
  code = [error.status, error.code, error.type];
}

console.log(
  JSON.stringify({
    whole: whole.choices[0].message.content,
    streamed,
    usage: usage.completion_tokens,
    helper: await helper.finalContent(),
    image: seen.choices[0].message.content,
    tool: called.choices[0].message.tool_calls.map((call) => [call.function.name, JSON.parse(call.function.arguments)]),
    toolReason: called.choices[0].finish_reason,
    toolStreamed: calledStream.choices[0].message.tool_calls.map((call) => [
      call.function.name,
      JSON.parse(call.function.arguments),
    ]),
    schema: parsed.choices[0].message.parsed ?? JSON.parse(parsed.choices[0].message.content),
    schemaStreamed: JSON.parse(parsedStream.choices[0].message.content),
    chunksBeforeAbort,
    error: code,
    models: (await client.models.list()).data.map((each) => each.id),
  }),
);
