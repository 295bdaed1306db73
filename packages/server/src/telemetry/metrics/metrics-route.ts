import { route } from "../../http/route.js";

/** GET /metrics, in Prometheus' text format. */
export function metricsRoute(contentType: string, text: () => Promise<string>) {
  return route({
    method: "get",
    path: "/metrics",
    summary: "Counters and times in Prometheus' text format.",
    role: "metrics",
    answerType: "text/plain",
    async handle({ outgoing }) {
      const body = await text();
      outgoing.writeHead(200, { "content-type": contentType, "content-length": Buffer.byteLength(body) });
      outgoing.end(body);
    },
  });
}
