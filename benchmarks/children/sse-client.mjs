// Reads streams of server-sent events to their ends and counts the events.
import { get } from "node:http";

import { serve } from "../lib/worker.mjs";

serve({
  /** @param {{ port: number, streams: number }} options */
  async read({ port, streams }) {
    const counts = await Promise.all(Array.from({ length: streams }, () => readOne(port)));
    return counts.reduce((sum, count) => sum + count, 0);
  },
});

function readOne(port) {
  return new Promise((resolve, reject) => {
    let events = 0;
    let last = "";
    const request = get({ port, host: "127.0.0.1", agent: false }, (response) => {
      response.setEncoding("utf8");
      response.on("data", (text) => {
        const parts = (last + text).split("\n\n");
        last = parts.pop();
        events += parts.filter((part) => part.startsWith("data: ")).length;
      });
      response.on("end", () => resolve(events));
      response.on("error", reject);
    });
    request.on("error", reject);
  });
}
