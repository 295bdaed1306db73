import type { EngineStats } from "medinfer";
import type { ModelPool } from "../../models/model-pool.js";
import type { ServedModel } from "../../models/served-model.js";
import { engineText } from "./engine-metrics.js";
import { labelsText, metricText } from "./written-metric.js";

/** What the server counts while requests run. */
export interface Traffic {
  readonly underWay: number;
  waiting(model: ServedModel): number;
}

interface Reading {
  model: ServedModel;
  /** None of a model that is not loaded. */
  stats: EngineStats | undefined;
}

/** When the process began to serve, in seconds since 1970. */
const started = Math.floor(Date.now() / 1000);

/** How the server, its models and their engines stand now, in Prometheus' text format: one look at each engine. */
export function serverText({ models }: ModelPool, traffic: Traffic): string {
  const readings = models.map((model): Reading => ({ model, stats: model.engine?.stats() }));
  const gauge = (name: string, help: string, of: (reading: Reading) => number, labels: object = {}) =>
    metricText(
      { name, help, kind: "gauge" },
      readings.map((each) => [labelsText({ model_name: each.model.name, ...labels }), of(each)] as const),
    );
  const one = (name: string, help: string, value: number) => metricText({ name, help, kind: "gauge" }, [["", value]]);
  const waiting = ({ model, stats }: Reading) =>
    traffic.waiting(model) + (stats === undefined ? 0 : stats.queued + stats.encoding);
  const loaded = readings.flatMap(({ model, stats }) => (stats === undefined ? [] : [{ model: model.name, stats }]));
  return [
    gauge("vllm:num_requests_waiting", "Requests that wait for a place, at the server or its engine, now.", waiting),
    gauge("medinfer_model_loaded", "Whether the model is loaded.", ({ stats }) => (stats === undefined ? 0 : 1)),
    gauge("medinfer_model_bytes", "Bytes that the model takes, now.", ({ model }) => model.bytesHeld),
    gauge("medinfer_model_requests", "Requests that use the model or wait for it, now.", ({ model }) => model.leases),
    one("medinfer_models_loaded", "Models that are loaded.", loaded.length),
    one("medinfer_requests_under_way", "Requests whose answers have not left yet.", traffic.underWay),
    gauge("vllm:lora_requests_info", "Adapters of requests: requests name none.", () => started, NO_ADAPTERS),
    engineText(loaded),
  ].join("");
}

const NO_ADAPTERS = { max_lora: 0, running_lora_adapters: "", waiting_lora_adapters: "" };
