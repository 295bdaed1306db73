import { Counter, Histogram, Registry } from "prom-client";
import type { FinishReason } from "medinfer";
import type { Account } from "../account.js";
import type { Observer } from "../observer.js";
import { KeptMetric } from "./kept-metric.js";
import { TokenGaps } from "./token-gaps.js";

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
  readonly #queue: KeptMetric<Histogram>;
  readonly #firstToken: KeptMetric<Histogram>;
  readonly #interToken: TokenGaps;
  readonly #encode: KeptMetric<Histogram>;
  readonly #prefill: KeptMetric<Histogram>;
  readonly #decode: KeptMetric<Histogram>;
  readonly #whole: KeptMetric<Histogram>;
  readonly #requests: KeptMetric<Counter>;
  readonly #tokens: KeptMetric<Counter>;
  readonly #successes: KeptMetric<Counter>;
  readonly #all: { text(): string | Promise<string> }[] = [];

  /** @param models names, whose times are there from the start: a rate needs a first value */
  constructor(models: readonly string[]) {
    const registry = new Registry();
    const registers = [registry];
    const kept = <T extends Counter | Histogram>(metric: T, name: string, other?: string) => {
      const made = new KeptMetric(metric, registry, name, other);
      this.#all.push(made);
      return made;
    };
    const histogram = (short: string, help: string, buckets: number[], other?: string) => {
      const name = `medinfer_${short}_seconds`;
      const made = new Histogram({ name, help, buckets, labelNames: ["model_name"], registers });
      for (const model_name of models) made.zero({ model_name });
      return kept(made, name, other);
    };
    const counter = (name: string, help: string, labelNames: string[]) =>
      kept(new Counter({ name, help, labelNames, registers }), name);
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
    this.#interToken = new TokenGaps(
      ["medinfer_inter_token_seconds", "vllm:inter_token_latency_seconds"],
      "Between tokens handed to a stream; of an answer that is not streamed their mean, once.",
      SHORT,
      models,
    );
    this.#all.push(this.#interToken);
    this.#encode = histogram("encode", "Images: decoding, waiting for the encoder, encoding.", LONG);
    this.#prefill = histogram("prefill", "Reading the prompt.", LONG, "vllm:request_prefill_time_seconds");
    this.#decode = histogram("decode", "From the first token to the last.", LONG, "vllm:request_decode_time_seconds");
    this.#whole = histogram(
      "request",
      "From a request's arrival to its end.",
      LONG,
      "vllm:e2e_request_latency_seconds",
    );
    this.#requests = counter(
      "medinfer_requests_total",
      "Requests that ended, by endpoint, status and what became of them.",
      ["endpoint", "status", "outcome"],
    );
    this.#tokens = counter("medinfer_tokens_total", "Tokens that were computed, whatever became of the answers.", [
      "model_name",
      "tenant",
      "kind",
    ]);
    this.#successes = counter("vllm:request_success_total", "Answered requests, by how their generation ended.", [
      "model_name",
      "finished_reason",
    ]);
  }

  /** In Prometheus' text format. */
  async text(): Promise<string> {
    let text = "";
    for (const each of this.#all) text += await each.text();
    return text;
  }

  tokens(account: Account, gapMs: number | undefined): void {
    const { model, arrivedAt, tokensAt } = account;
    if (gapMs !== undefined) this.#interToken.observe(model!.name, gapMs / 1000);
    // Of several choices the first that begins.
    else if (tokensAt.filter((at) => at !== undefined).length === 1) {
      this.#firstToken.changing.observe({ model_name: model!.name }, (performance.now() - arrivedAt) / 1000);
    }
  }

  spent({ model, call, spent }: Account): void {
    const labels = { model_name: model!.name, tenant: call!.who.tenant };
    this.#tokens.changing.inc({ ...labels, kind: "prompt" }, spent!.promptTokens);
    this.#tokens.changing.inc({ ...labels, kind: "completion" }, spent!.completionTokens);
  }

  answered(account: Account): void {
    const { outcome, arrivedAt, enteringAt, admittedAt, submittedAt } = account;
    const { timings, finishReason } = outcome!;
    const model_name = account.model!.name;
    const labels = { model_name };
    const finished_reason = finishReason && reasons[finishReason];
    if (finished_reason !== undefined) this.#successes.changing.inc({ model_name, finished_reason });
    if (timings === undefined) return;
    const waited = (admittedAt ?? 0) - (enteringAt ?? 0);
    this.#queue.changing.observe(labels, (waited + timings.queueMs) / 1000);
    this.#prefill.changing.observe(labels, timings.prefillMs / 1000);
    this.#decode.changing.observe(labels, timings.decodeMs / 1000);
    if (timings.encodeMs > 0) this.#encode.changing.observe(labels, timings.encodeMs / 1000);
    if (account.streamed) return;
    const before = (submittedAt ?? arrivedAt) - arrivedAt;
    this.#firstToken.changing.observe(labels, (before + timings.firstTokenMs) / 1000);
    const tokens = account.completionTokens / (outcome!.choices?.length ?? 1);
    if (tokens >= 2) this.#interToken.observe(model_name, timings.decodeMs / (tokens - 1) / 1000);
  }

  ended(account: Account): void {
    const { endpoint, status, end, model, outcome, ms } = account;
    this.#requests.changing.inc({ endpoint, status, outcome: end });
    if (outcome !== undefined) this.#whole.changing.observe({ model_name: model!.name }, ms / 1000);
  }
}
