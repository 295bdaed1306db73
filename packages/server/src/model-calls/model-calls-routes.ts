/** The calls by which Open WebUI shows, loads and unloads the models of a server of the type "llama.cpp". */
import { setMaxListeners } from "node:events";
import * as v from "valibot";
import { EventStream } from "../http/event-stream.js";
import { sendWhenDone } from "../http/long-answer.js";
import { route, type Call } from "../http/route.js";
import type { ModelPool } from "../models/model-pool.js";
import type { ServedModel } from "../models/served-model.js";
import type { Serving } from "../serving.js";

const status = v.picklist(["loaded", "loading", "sleeping", "unloaded"]);
type Status = v.InferOutput<typeof status>;

const listed = v.object({
  id: v.string(),
  object: v.literal("model"),
  created: v.number(),
  owned_by: v.string(),
  aliases: v.array(v.string()),
  status: v.object({ value: status, progress: v.optional(v.number()) }),
});

const changeEvent = v.object({
  model: v.string(),
  event: v.literal("model_status"),
  data: v.object({ status }),
});

const named = v.strictObject({ model: v.string() });
const done = v.object({ success: v.literal(true) });

/**
 * GET /models and /models/sse, POST /models/load and /models/unload.
 *
 * @param draining aborted when the server begins to end: streams of changes, which never end by themselves, end then
 */
export function modelCallRoutes({ models }: Serving, draining: AbortSignal) {
  setMaxListeners(0, draining); // one for each stream, as of the models
  models.setMaxListeners(0); // one for each client that listens to its events
  /** Unloaded by request. Others sleep. */
  const put = new WeakSet<ServedModel>();
  models.on("change", ({ model, state }) => {
    if (state === "loading") put.delete(models.find(model));
  });
  const statusOf = (model: ServedModel) => wordFor(model, put.has(model));
  return [
    route({
      method: "get",
      path: "/models",
      summary: "The models and how they stand, as llama-server tells it.",
      role: "user",
      answer: v.object({ object: v.literal("list"), data: v.array(listed) }),
      handle: () => ({
        object: "list",
        data: models.models.map((each) => ({
          id: each.name,
          object: "model",
          created: each.created,
          owned_by: "medinfer",
          aliases: each.config.aliases ?? [],
          status: {
            value: statusOf(each),
            ...(each.state === "loading" ? { progress: each.progress } : {}),
          },
        })),
      }),
    }),
    route({
      method: "get",
      path: "/models/sse",
      summary: "Changes of how models stand, as server-sent events.",
      role: "user",
      event: { data: changeEvent },
      handle: (call) => sendChanges(models, statusOf, call, draining),
    }),
    route({
      method: "post",
      path: "/models/load",
      summary: "Loads a model, and answers when it is loaded.",
      role: "admin",
      body: named,
      answer: done,
      handle: ({ body, outgoing }) => {
        const model = models.find(body.model);
        return sendWhenDone(outgoing, success(models.load(model, { wait: true })));
      },
    }),
    route({
      method: "post",
      path: "/models/unload",
      summary: "Unloads a model: requests that run on it end. The next request for it loads it again.",
      role: "admin",
      body: named,
      answer: done,
      handle: ({ body, outgoing }) => {
        const model = models.find(body.model);
        put.add(model);
        return sendWhenDone(outgoing, success(models.unload(model)));
      },
    }),
  ];
}

async function success(work: Promise<void>): Promise<{ success: true }> {
  await work;
  return { success: true };
}

function wordFor(model: ServedModel, isPut: boolean): Status {
  if (model.state === "loading" || model.state === "loaded") return model.state;
  return model.usedAt > 0 && !isPut ? "sleeping" : "unloaded";
}

/** Resolves when the client is gone, or the server ends. */
function sendChanges(
  models: ModelPool,
  statusOf: (model: ServedModel) => Status,
  { outgoing, signal }: Call,
  draining: AbortSignal,
): Promise<void> {
  const events = new EventStream(outgoing);
  events.open();
  const tell = (model: ServedModel) => {
    const data = { status: statusOf(model) };
    void events.send(JSON.stringify({ model: model.name, event: "model_status", data }));
  };
  // How all stand now: what changed before is not told again.
  models.models.forEach(tell);
  const onChange = ({ model }: { model: string }) => tell(models.find(model));
  return new Promise((resolve) => {
    const end = () => {
      models.off("change", onChange);
      signal.removeEventListener("abort", end);
      draining.removeEventListener("abort", end);
      events.end();
      resolve();
    };
    models.on("change", onChange);
    signal.addEventListener("abort", end);
    draining.addEventListener("abort", end);
    if (signal.aborted || draining.aborted) end();
  });
}
