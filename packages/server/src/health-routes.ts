import * as v from "valibot";
import { Problem } from "./http/problem.js";
import { route } from "./http/route.js";

const status = v.object({ status: v.string() });

/** Whether the server is to be sent requests: GET /health/ready; whether its process lives: GET /health/live. */
export function healthRoutes(ready: () => boolean) {
  const readiness = () => {
    if (ready()) return { status: "ok" };
    throw new Problem(503, "not_ready", "the server is starting or ending", { headers: { "retry-after": "2" } });
  };
  const of = (path: string, summary: string, handle: () => object) =>
    route({ method: "get", path, summary, role: "anyone", answer: status, handle });
  return [
    of("/health", "Whether requests are taken: the same as /health/ready.", readiness),
    of(
      "/health/ready",
      "Whether requests are taken: models to keep loaded are, and the server is not ending.",
      readiness,
    ),
    of("/health/live", "Whether the process lives.", () => ({ status: "ok" })),
  ];
}
