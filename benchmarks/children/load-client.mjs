// Clients that stream chats, each the next one as soon as it is answered, and take times.
import { Agent, request } from "node:http";

import { promptOf } from "../lib/prompts.mjs";
import { percentile, round } from "../lib/stats.mjs";
import { serve } from "../lib/worker.mjs";

let seed = 1;

serve({
  /**
   * Requests that are under way when the time is up are waited for, and counted.
   * Without `keepAlive` every request has a connection of its own.
   * @param {{ url: string, model: string, body: object, clients: number, predict: number, seconds: number,
   *   promptWords: number, keepAlive: boolean }} load
   */
  async load({ url, model, body, clients, predict, seconds, promptWords, keepAlive }) {
    const agent = new Agent({ keepAlive, maxSockets: Infinity });
    const first = [];
    const between = [];
    let tokens = 0;
    let requests = 0;
    let errors = 0;
    const started = performance.now();
    const until = started + 1000 * seconds;
    await Promise.all(
      Array.from({ length: clients }, async () => {
        while (performance.now() < until) {
          const sent = {
            model,
            messages: [{ role: "user", content: promptOf(promptWords, seed++) }],
            max_tokens: predict,
            temperature: 0,
            stream: true,
            stream_options: { include_usage: true },
            ...body,
          };
          const seen = await ask(url, agent, sent);
          requests += 1;
          if (seen.tokens === undefined) {
            errors += 1;
            continue;
          }
          tokens += seen.tokens;
          first.push(seen.times[0] - seen.started);
          for (let i = 1; i < seen.times.length; i++) between.push(seen.times[i] - seen.times[i - 1]);
        }
      }),
    );
    const spent = (performance.now() - started) / 1000;
    agent.destroy();
    return {
      requests,
      errors,
      tokens,
      tokensPerSecond: round(tokens / spent),
      firstTokenP50: round(percentile(first, 0.5)),
      firstTokenP99: round(percentile(first, 0.99)),
      interTokenP50: round(percentile(between, 0.5)),
      interTokenP99: round(percentile(between, 0.99)),
    };
  },
});

/** When text came, and how many tokens there were; undefined where the answer is not whole. */
function ask(url, agent, body) {
  return new Promise((resolve) => {
    const times = [];
    const started = performance.now();
    let last = "";
    let tokens;
    let whole = false;
    const done = () => resolve({ started, times, tokens: whole && times.length > 0 ? tokens : undefined });
    const options = { method: "POST", agent, headers: { "content-type": "application/json" } };
    const sent = request(`${url}/v1/chat/completions`, options, (response) => {
      response.setEncoding("utf8");
      response.on("data", (data) => {
        const now = performance.now();
        const events = (last + data).split("\n\n");
        last = events.pop();
        for (const event of events) {
          if (/"content":"[^"]/.test(event)) times.push(now);
          const usage = /"completion_tokens":(\d+)/.exec(event);
          if (usage !== null) tokens = Number(usage[1]);
          if (event === "data: [DONE]") whole = true;
        }
      });
      response.on("end", done);
      response.on("error", done);
    });
    sent.on("error", done);
    sent.end(JSON.stringify(body));
  });
}
