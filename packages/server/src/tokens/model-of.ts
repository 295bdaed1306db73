import { Problem } from "../http/problem.js";
import type { Call } from "../http/route.js";
import type { Lease } from "../models/model-pool.js";
import type { Serving } from "../serving.js";

/**
 * Runs `work` with a model, whatever its task. Clients of llama-server name none: then it is the server's only one.
 *
 * @throws Problem (rejects) 400 where none is named and there are several
 */
export function withModelOf<T>(
  serving: Serving,
  call: Call,
  name: string | null | undefined,
  work: (lease: Lease) => T,
): Promise<T> {
  const { models } = serving.models;
  if ((name === null || name === undefined) && models.length !== 1) {
    throw new Problem(400, "invalid_value", "the request: model is missing, and this server has several", {
      param: "model",
    });
  }
  const model = serving.models.find(name ?? models[0]!.name);
  return serving.withModel(call, model.name, model.config.task ?? "generate", work);
}
