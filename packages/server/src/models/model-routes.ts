import * as v from "valibot";
import { route } from "../http/route.js";
import type { Serving } from "../serving.js";
import type { ServedModel } from "./served-model.js";

const model = v.object({
  id: v.string(),
  object: v.literal("model"),
  created: v.number(),
  owned_by: v.string(),
  aliases: v.array(v.string()),
  task: v.picklist(["generate", "embed", "rerank"]),
  status: v.object({ value: v.picklist(["unloaded", "loading", "loaded", "unloading"]) }),
});

/** GET /v1/models and /v1/models/{model} */
export function modelRoutes({ models }: Serving) {
  return [
    route({
      method: "get",
      path: "/v1/models",
      summary: "The models that requests may name.",
      role: "user",
      answer: v.object({ object: v.literal("list"), data: v.array(model) }),
      handle: () => ({ object: "list", data: models.models.map(described) }),
    }),
    route({
      method: "get",
      // A name may have slashes, encoded or not.
      path: "/v1/models/:model{.+}",
      summary: "One model, by its name or an alias.",
      role: "user",
      answer: model,
      handle: ({ params }) => described(models.find(params.model!)),
    }),
  ];
}

/** Only what OpenAI's list has, and how the model stands: paths are the host's own. */
function described(each: ServedModel) {
  return {
    id: each.name,
    object: "model",
    created: each.created,
    owned_by: "medinfer",
    aliases: each.config.aliases ?? [],
    task: each.config.task ?? "generate",
    status: { value: each.state },
  };
}
