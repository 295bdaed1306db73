import { httpPeers } from "./lib/http-peers.mjs";
import { median, summary } from "./lib/stats.mjs";
import { markdown } from "./lib/targets.mjs";
import { Worker } from "./lib/worker.mjs";

export const about =
  "CPU time of a server-sent event: node:http, Hono written to the response directly and not, Fastify";
export const options = {
  runs: { type: "string", default: "5" },
  streams: { type: "string", default: "64" },
  events: { type: "string", default: "400" },
};

const SYSTEMS = [
  "http",
  "hono direct",
  "hono ReadableStream",
  "hono streamSSE",
  "fastify hijacked",
  "fastify Readable",
];

/** @param {Record<keyof typeof options, string>} chosen @param {(line: string) => void} log */
export async function run({ runs, streams, events }, log) {
  const folder = httpPeers(log);
  const samples = Object.fromEntries(SYSTEMS.map((name) => [name, []]));
  // Systems take turns, so that what else the host does meets them alike. The first round warms up.
  for (let round = 0; round <= Number(runs); round++) {
    for (const name of SYSTEMS) {
      const micros = await measure(name, { folder, streams: Number(streams), events: Number(events) });
      if (round > 0) samples[name].push(micros);
    }
  }
  const raw = median(samples.http);
  const rows = SYSTEMS.map((name) => {
    const { median: middle, min, max } = summary(samples[name]);
    return [name, middle, min, max, (middle / raw).toFixed(2)];
  });
  log(`\n${markdown([["system", "µs of CPU an event", "least", "most", "to node:http"], ...rows])}`);
  return { unit: "µs of CPU an event", streams, events, samples };
}

/** Server and clients are processes of their own; what is counted is the server's time alone. */
async function measure(system, { folder, streams, events }) {
  const server = new Worker(new URL("./children/sse-server.mjs", import.meta.url));
  const client = new Worker(new URL("./children/sse-client.mjs", import.meta.url));
  try {
    const port = await server.call("start", { system, folder, streams, events });
    const [micros, received] = await Promise.all([server.call("cost"), client.call("read", { port, streams })]);
    if (received !== streams * events) throw new Error(`${system}: ${received} events came, not ${streams * events}`);
    return micros;
  } finally {
    await Promise.all([server.close(), client.close()]);
  }
}
