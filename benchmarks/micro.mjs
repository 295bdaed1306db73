import { Bench } from "tinybench";

import { Engine, renderChat } from "medinfer";

import { randomModel } from "../test/support/random-model.mjs";
import { promptOf } from "./lib/prompts.mjs";
import { round } from "./lib/stats.mjs";

export const about = "the short paths: tokenise, detokenise, deliver an event, render a template";
export const options = { time: { type: "string", default: "1000" } };

const JINJA =
  "{% for message in messages %}{{ message.role | upper }}: {{ message.content }}\n{% endfor %}" +
  "{% if add_generation_prompt %}ASSISTANT:{% endif %}";
const EVENTS = 256;

/** @param {{ time: string }} chosen @param {(line: string) => void} log */
export async function run({ time }, log) {
  // So small a model that a step is all overhead: planning, sampling, the event on its way to JavaScript.
  const engine = await Engine.load({
    model: randomModel("llama", { embd: 64, layers: 1, heads: 2, ff: 64 }),
    mmproj: null,
    nCtx: 2048,
    nThreads: 1,
  });
  const text = promptOf(200, 1);
  const tokens = engine.tokenize(text);
  const messages = [
    { role: "system", content: "You read prescriptions." },
    { role: "user", content: text },
    { role: "assistant", content: text },
    { role: "user", content: "And the medication?" },
  ];

  const bench = new Bench({ time: Number(time), throws: true });
  bench.add(`tokenise ${tokens.length} tokens`, () => void engine.tokenize(text));
  bench.add(`detokenise ${tokens.length} tokens`, () => void engine.detokenize(tokens));
  bench.add(`generate and deliver ${EVENTS} tokens`, async () => {
    const generation = engine.complete({
      prompt: "bat cat",
      nPredict: EVENTS,
      ignoreEos: true,
      sampling: { temperature: 0, repeatPenalty: 1 },
    });
    for await (const event of generation) if (event.type === "done") return;
  });
  bench.add("render vicuna, 4 messages", () => void renderChat("vicuna", messages));
  bench.add("render Jinja, 4 messages", () => void renderChat(JINJA, messages));
  await bench.run();
  await engine.close();

  const tasks = bench.tasks.map(({ name, result }) => {
    log(`${name}: ${round(result.latency.mean * 1000)} µs`);
    return { name, meanUs: round(result.latency.mean * 1000), p99Us: round(result.latency.p99 * 1000) };
  });
  return { tasks };
}
