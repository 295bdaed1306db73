// @langchain/openai: node langchain.mjs BASE_URL IMAGE_FILE, with the package in the current folder.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const require = createRequire(path.join(process.cwd(), "package.json"));
const load = (name) => import(pathToFileURL(require.resolve(name)).href);
const { ChatOpenAI } = await load("@langchain/openai");
const { HumanMessage } = await load("@langchain/core/messages");

const [, , baseURL, file] = process.argv;
const chat = (options = {}) =>
  new ChatOpenAI({
    model: "medinfer-tiny",
    apiKey: "none",
    temperature: 0,
    maxTokens: 24,
    maxRetries: 0,
    configuration: { baseURL },
    ...options,
  });
const prompt = "What is hypertension?";
const schema = {
  title: "look_up",
  type: "object",
  properties: { drug: { type: "string", enum: ["aspirin", "metformin"] } },
  required: ["drug"],
  additionalProperties: false,
};
const tools = [{ type: "function", function: { name: "look_up", parameters: schema } }];

const whole = await chat().invoke(prompt);
let streamed = "";
let usage;
for await (const chunk of await chat().stream(prompt)) {
  streamed += chunk.content;
  usage = chunk.usage_metadata ?? usage;
}
const url = `data:image/png;base64,${readFileSync(file).toString("base64")}`;
const seen = await chat({ maxTokens: 60 }).invoke([
  new HumanMessage({ content: [{ type: "image_url", image_url: { url } }] }),
]);
const caller = chat({ maxTokens: 200 }).bindTools(tools, { tool_choice: "required", parallel_tool_calls: false });
const called = await caller.invoke(prompt);
let calledStream;
for await (const chunk of await caller.stream(prompt)) {
  calledStream = calledStream === undefined ? chunk : calledStream.concat(chunk);
}
const structured = chat({ maxTokens: 60 }).withStructuredOutput(schema, { method: "jsonSchema" });
let schemaStreamed;
for await (const each of await structured.stream(prompt)) schemaStreamed = each;

const controller = new AbortController();
let chunksBeforeAbort = 0;
try {
  const endless = chat({ maxTokens: 4000, modelKwargs: { ignoreEos: true } });
  for await (const _chunk of await endless.stream(prompt, { signal: controller.signal })) {
    if (++chunksBeforeAbort === 5) controller.abort();
  }
} catch {
  // some versions throw, others end the loop
}
let code;
try {
  await chat({ model: "another" }).invoke(prompt);
} catch (error) {
  code = [error.status, error.code, error.type];
}

const callsOf = (message) => message.tool_calls.map((call) => [call.name, call.args]);
console.log(
  JSON.stringify({
    whole: whole.content,
    streamed,
    usage: usage.output_tokens,
    helper: streamed,
    image: seen.content,
    tool: callsOf(called),
    toolReason: called.response_metadata.finish_reason,
    toolStreamed: callsOf(calledStream),
    schema: await structured.invoke(prompt),
    schemaStreamed,
    chunksBeforeAbort,
    error: code,
  }),
);
