import { Gauge, Registry } from "prom-client";
import type { ModelPool } from "../../models/model-pool.js";
import type { ServedModel } from "../../models/served-model.js";
import { EngineMetrics } from "./engine-metrics.js";

/** What the server counts while requests run. */
export interface Traffic {
  readonly underWay: number;
  waiting(model: ServedModel): number;
}

/** How the server and its models stand, read when it is asked for. */
export class ServerMetrics {
  readonly #registry: Registry;
  readonly #engines: EngineMetrics;
  readonly #waiting: Gauge;
  readonly #loaded: Gauge;
  readonly #bytes: Gauge;
  readonly #leases: Gauge;
  readonly #modelsLoaded: Gauge;
  readonly #underWay: Gauge;
  readonly #lora: Gauge;
  readonly #started = Math.floor(Date.now() / 1000);

  constructor(registry: Registry) {
    const gauge = (name: string, help: string, labelNames: string[] = ["model_name"]) =>
      new Gauge({ name, help, labelNames, registers: [registry] });
    this.#registry = registry;
    this.#waiting = gauge(
      "vllm:num_requests_waiting",
      "Requests that wait for a place, at the server or its engine, now.",
    );
    this.#loaded = gauge("medinfer_model_loaded", "Whether the model is loaded.");
    this.#bytes = gauge("medinfer_model_bytes", "Bytes that the model takes, now.");
    this.#leases = gauge("medinfer_model_requests", "Requests that use the model or wait for it, now.");
    this.#modelsLoaded = gauge("medinfer_models_loaded", "Models that are loaded.", []);
    this.#underWay = gauge("medinfer_requests_under_way", "Requests whose answers have not left yet.", []);
    this.#lora = gauge("vllm:lora_requests_info", "Adapters of requests: requests name none.", [
      "model_name",
      "max_lora",
      "running_lora_adapters",
      "waiting_lora_adapters",
    ]);
    this.#engines = new EngineMetrics(registry);
  }

  /** All metrics as Prometheus reads them. */
  async text({ models }: ModelPool, traffic: Traffic): Promise<string> {
    this.#underWay.set(traffic.underWay);
    this.#modelsLoaded.set(models.filter((model) => model.engine !== undefined).length);
    for (const model of models) {
      const labels = { model_name: model.name };
      const { queued = 0, encoding = 0 } = model.engine?.stats() ?? {};
      this.#waiting.set(labels, traffic.waiting(model) + queued + encoding);
      this.#loaded.set(labels, model.engine === undefined ? 0 : 1);
      this.#bytes.set(labels, model.bytesHeld);
      this.#leases.set(labels, model.leases);
      const none = { max_lora: 0, running_lora_adapters: "", waiting_lora_adapters: "" };
      this.#lora.set({ ...labels, ...none }, this.#started);
    }
    this.#engines.read(models);
    return this.#registry.metrics();
  }
}
