// ai with @ai-sdk/openai-compatible: node ai.mjs BASE_URL IMAGE_FILE, with the packages in the current folder.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const require = createRequire(path.join(process.cwd(), "package.json"));
const load = (name) => import(pathToFileURL(require.resolve(name)).href);
const ai = await load("ai");
const { createOpenAICompatible } = await load("@ai-sdk/openai-compatible");

const [, , baseURL, file] = process.argv;
const provider = createOpenAICompatible({
  name: "medinfer",
  baseURL,
  includeUsage: true,
  supportsStructuredOutputs: true,
});
const model = provider("medinfer-tiny");
const base = { model, temperature: 0, maxOutputTokens: 24, maxRetries: 0 };
const prompt = "What is hypertension?";
const schema = ai.jsonSchema({
  type: "object",
  properties: { drug: { type: "string", enum: ["aspirin", "metformin"] } },
  required: ["drug"],
  additionalProperties: false,
});
const tools = { look_up: ai.tool({ description: "Looks a drug up.", inputSchema: schema }) };
const forced = {
  tools,
  toolChoice: "required",
  maxOutputTokens: 200,
  providerOptions: { medinfer: { parallel_tool_calls: false } },
};

const whole = await ai.generateText({ ...base, prompt });
const stream = ai.streamText({ ...base, prompt });
let streamed = "";
for await (const text of stream.textStream) streamed += text;
const content = [{ type: "image", image: readFileSync(file), mediaType: "image/png" }];
const seen = await ai.generateText({ ...base, maxOutputTokens: 60, messages: [{ role: "user", content }] });
const called = await ai.generateText({ ...base, prompt, ...forced });
const calledStream = ai.streamText({ ...base, prompt, ...forced });
const object = await ai.generateText({
  ...base,
  maxOutputTokens: 60,
  prompt,
  output: ai.Output.object({ schema }),
});
const objectStream = ai.streamText({ ...base, maxOutputTokens: 60, prompt, output: ai.Output.object({ schema }) });
const partial = [];
for await (const each of objectStream.partialOutputStream) partial.push(each);

const controller = new AbortController();
let chunksBeforeAbort = 0;
try {
  const endless = ai.streamText({
    ...base,
    maxOutputTokens: 4000,
    prompt,
    abortSignal: controller.signal,
    providerOptions: { medinfer: { ignoreEos: true } },
    onError: () => {},
  });
  for await (const _text of endless.textStream) if (++chunksBeforeAbort === 5) controller.abort();
} catch {
  // some versions throw, others end the loop
}
let code;
try {
  await ai.generateText({ ...base, model: provider("another"), prompt });
} catch (error) {
  code = [error.statusCode, error.data?.error?.code, error.data?.error?.type];
}

const callsOf = (calls) => calls.map((call) => [call.toolName, call.input]);
console.log(
  JSON.stringify({
    whole: whole.text,
    streamed,
    usage: (await stream.usage).outputTokens,
    helper: await stream.text,
    image: seen.text,
    tool: callsOf(called.toolCalls),
    toolReason: called.finishReason.replace("-", "_"),
    toolStreamed: callsOf(await calledStream.toolCalls),
    schema: object.output,
    schemaStreamed: partial.at(-1),
    chunksBeforeAbort,
    error: code,
  }),
);
