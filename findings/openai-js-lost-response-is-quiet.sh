#!/usr/bin/env bash
# openai for JavaScript tells nobody that a streamed response has failed, or that its end is missing.
#
# Versions:  openai 6.49.0 (npm).
# Expected:  POST /v1/responses as a stream whose last event is response.failed, or the documented event of the type "error", or which
#            ends in the middle without any last event: the loop over it throws, and the helper's finalResponse() rejects, as both do
#            for chat completions where a chunk has an error.
# Seen:      The loop ends quietly in all three cases, with the text so far. finalResponse() rejects for the event "error" alone, with a
#            plain object that is no Error and has no status. For response.failed it resolves with the failed response, and where the
#            end is missing with a response of the status "in_progress" and the text so far as output_text.
# Matters:   An answer that was cut in "Take 2" of 250 mg is taken for whole by every program that does not look at the status. A server
#            that wants to be heard sends an event whose data has a key "error" (the client throws for that), and destroys the socket.
#
# Exit status: 0 as described, 1 changed, anything else: could not run.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
echo '{ "private": true, "type": "module" }' > package.json
npm install --silent --no-audit --no-fund openai@6.49.0

cat > response.mjs <<'JS'
import { readFileSync } from "node:fs";
import { createServer } from "node:http";

import OpenAI from "openai";

const response = (status, more = {}) => {
  return { id: "resp_1", object: "response", created_at: 1, model: "m", output: [], error: null, status, ...more };
};
const item = { id: "msg_1", type: "message", role: "assistant", status: "in_progress", content: [] };
const place = { item_id: "msg_1", output_index: 0, content_index: 0 };
const beginning = [
  { type: "response.created", response: response("in_progress") },
  { type: "response.output_item.added", output_index: 0, item },
  { type: "response.content_part.added", ...place, part: { type: "output_text", text: "", annotations: [] } },
  { type: "response.output_text.delta", ...place, delta: "Take 2" },
];
const lost = { code: "server_error", message: "the model was lost" };
const endings = {
  "response.failed": [{ type: "response.failed", response: response("failed", { error: lost }) }],
  "event error": [{ type: "error", ...lost, param: null }],
  "no end": [],
  "a key error": [{ type: "error", ...lost, param: null, error: { type: "server_error", ...lost } }],
};

let events = [];
const server = createServer((_request, answer) => {
  answer.writeHead(200, { "content-type": "text/event-stream" });
  events.forEach((event, i) => {
    answer.write(`event: ${event.type}\ndata: ${JSON.stringify({ ...event, sequence_number: i })}\n\n`);
  });
  answer.end();
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const baseURL = `http://127.0.0.1:${server.address().port}/v1`;
const client = new OpenAI({ baseURL, apiKey: "none", maxRetries: 0 });

async function loop() {
  let text = "";
  for await (const event of await client.responses.create({ model: "m", input: "Which dose?", stream: true })) {
    if (event.type === "response.output_text.delta") text += event.delta;
  }
  return `quiet: ${text}`;
}
async function helper() {
  const { status, output_text: text } = await client.responses.stream({ model: "m", input: "Which dose?" }).finalResponse();
  return `resolves: ${status}, "${text}"`;
}
const outcome = (work) => work().catch((error) => (error instanceof Error ? "throws" : "rejects with no Error"));

const { version } = JSON.parse(readFileSync("node_modules/openai/package.json", "utf8"));
console.log(`openai ${version}`);
const found = {};
for (const [name, ending] of Object.entries(endings)) {
  events = [...beginning, ...ending];
  found[name] = [await outcome(loop), await outcome(helper)];
  console.log(`${name.padEnd(16)} loop ${found[name][0].padEnd(16)} finalResponse ${found[name][1]}`);
}
server.close();

const described =
  version === "6.49.0" &&
  JSON.stringify(found) ===
    JSON.stringify({
      "response.failed": ["quiet: Take 2", 'resolves: failed, ""'],
      "event error": ["quiet: Take 2", "rejects with no Error"],
      "no end": ["quiet: Take 2", 'resolves: in_progress, "Take 2"'],
      "a key error": found["a key error"],
    }) &&
  found["a key error"][0] === "throws";
console.log(described ? "as described" : "CHANGED");
process.exit(described ? 0 : 1);
JS
node response.mjs
