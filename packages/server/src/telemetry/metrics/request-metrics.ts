import { Counter, Histogram, type Metric, type Registry } from "prom-client";
import type { FinishReason } from "medinfer";
import type { Account } from "../account.js";
import type { Observer } from "../observer.js";

/** Seconds: of what lasts a token, and of what lasts as long as an answer. */
const SHORT = [0.001, 0.0025, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2.5, 5];
const LONG = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320, 640];

/** As vLLM names ends. */
const reasons: Readonly<Record<FinishReason, string>> = {
  eos: "stop",
  stop: "stop",
  toolCalls: "stop",
  length: "length",
  context: "length",
  time: "length",
};

/** Requests as they end: how many, how long. Labels are names of the configuration alone: models, endpoints, tenants. */
export class RequestMetrics implements Observer {
  readonly #queue: Histogram;
  readonly #firstToken: Histogram;
  readonly #interToken: Histogram;
  readonly #encode: Histogram;
  readonly #prefill: Histogram;
  readonly #decode: Histogram;
  readonly #whole: Histogram;
  readonly #requests: Counter;
  readonly #tokens: Counter;
  readonly #successes: Counter;

  /** @param models names, whose times are there from the start: a rate needs a first value */
  constructor(registry: Registry, models: readonly string[]) {
    const registers = [registry];
    const histogram = (name: string, help: string, buckets: number[], other?: string) => {
      const made = new Histogram({
        name: `medinfer_${name}_seconds`,
        help,
        buckets,
        labelNames: ["model_name"],
        registers,
      });
      for (const model_name of models) made.zero({ model_name });
      if (other !== undefined) registry.registerMetric(alias(made, other));
      return made;
    };
    this.#queue = histogram(
      "queue",
      "Waiting for a place: at the server, and at its engine.",
      LONG,
      "vllm:request_queue_time_seconds",
    );
    this.#firstToken = histogram(
      "first_token",
      "From a request's arrival to its first token.",
      LONG,
      "vllm:time_to_first_token_seconds",
    );
    this.#interToken = histogram(
      "inter_token",
      "Between tokens handed to a stream; of an answer that is not streamed their mean, once.",
      SHORT,
      "vllm:inter_token_latency_seconds",
    );
    this.#encode = histogram("encode", "Images: decoding, waiting for the encoder, encoding.", LONG);
    this.#prefill = histogram("prefill", "Reading the prompt.", LONG, "vllm:request_prefill_time_seconds");
    this.#decode = histogram("decode", "From the first token to the last.", LONG, "vllm:request_decode_time_seconds");
    this.#whole = histogram(
      "request",
      "From a request's arrival to its end.",
      LONG,
      "vllm:e2e_request_latency_seconds",
    );
    this.#requests = new Counter({
      name: "medinfer_requests_total",
      help: "Requests that ended, by endpoint, status and what became of them.",
      labelNames: ["endpoint", "status", "outcome"],
      registers,
    });
    this.#tokens = new Counter({
      name: "medinfer_tokens_total",
      help: "Tokens of answered requests.",
      labelNames: ["model_name", "tenant", "kind"],
      registers,
    });
    this.#successes = new Counter({
      name: "vllm:request_success_total",
      help: "Answered requests, by how their generation ended.",
      labelNames: ["model_name", "finished_reason"],
      registers,
    });
  }

  tokens(account: Account, gapMs: number | undefined): void {
    const { model, arrivedAt, tokensAt } = account;
    const labels = { model_name: model!.name };
    if (gapMs !== undefined) this.#interToken.observe(labels, gapMs / 1000);
    // Of several choices the first that begins.
    else if (tokensAt.filter((at) => at !== undefined).length === 1) {
      this.#firstToken.observe(labels, (performance.now() - arrivedAt) / 1000);
    }
  }

  answered(account: Account): void {
    const { outcome, call, arrivedAt, enteringAt, admittedAt, submittedAt } = account;
    const { timings, usage, finishReason } = outcome!;
    const model_name = account.model!.name;
    const labels = { model_name };
    const tenant = call!.who.tenant;
    this.#tokens.inc({ model_name, tenant, kind: "prompt" }, usage.promptTokens);
    this.#tokens.inc({ model_name, tenant, kind: "completion" }, usage.completionTokens ?? 0);
    if (finishReason !== undefined) this.#successes.inc({ model_name, finished_reason: reasons[finishReason] });
    if (timings === undefined) return;
    const waited = (admittedAt ?? 0) - (enteringAt ?? 0);
    this.#queue.observe(labels, (waited + timings.queueMs) / 1000);
    this.#prefill.observe(labels, timings.prefillMs / 1000);
    this.#decode.observe(labels, timings.decodeMs / 1000);
    if (timings.encodeMs > 0) this.#encode.observe(labels, timings.encodeMs / 1000);
    if (account.streamed) return;
    const before = (submittedAt ?? arrivedAt) - arrivedAt;
    this.#firstToken.observe(labels, (before + timings.firstTokenMs) / 1000);
    const tokens = account.completionTokens / (outcome!.choices?.length ?? 1);
    if (tokens >= 2) this.#interToken.observe(labels, timings.decodeMs / (tokens - 1) / 1000);
  }

  ended(account: Account): void {
    const { endpoint, status, end, model, outcome, ms } = account;
    this.#requests.inc({ endpoint, status, outcome: end });
    if (outcome !== undefined) this.#whole.observe({ model_name: model!.name }, ms / 1000);
  }
}

/** A histogram under another name beside its own: observed once. */
function alias(histogram: Histogram, name: string): Metric {
  const own = (histogram as unknown as { name: string }).name;
  const renamed = {
    name,
    async get() {
      const read = await histogram.get();
      const values = read.values.map((each) => ({ ...each, metricName: each.metricName?.replace(own, name) }));
      return { ...read, name, values };
    },
    reset() {},
  };
  return renamed as unknown as Metric;
}
