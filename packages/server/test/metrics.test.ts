import { afterAll, describe, expect, test } from "vitest";

import { labelsText, metricText } from "../src/telemetry/metrics/written-metric.js";
import { eventsOf, model, post, postJson, running } from "./support/running.js";
import { until } from "./support/until.js";

const other = "not-loaded";
const { url, server } = running({
  models: [
    { name: model, nThreads: 1, keepLoaded: true, batchSize: 2 },
    { name: other, nThreads: 1 },
  ],
});
const messages = [{ role: "user", content: "What is hypertension?" }];
const body = { model, messages, max_tokens: 40, temperature: 0, ignoreEos: true };
const path = () => `${url()}/v1/chat/completions`;
const controller = new AbortController();
afterAll(() => controller.abort());

async function scrape(): Promise<Map<string, number>> {
  const response = await fetch(`${url()}/metrics`);
  expect(response.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
  const lines = (await response.text()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => {
      const [, series, value] = /^(.*) (\S+)$/.exec(line)!;
      return [series!, Number(value)];
    }),
  );
}

const of = (name: string, labels = `model_name="${model}"`) => `${name}{${labels}}`;

describe("names that routers read", () => {
  test.each([
    "vllm:num_requests_waiting",
    "vllm:num_requests_running",
    "vllm:kv_cache_usage_perc",
    "vllm:gpu_cache_usage_perc",
    "vllm:prefix_cache_queries_total",
    "vllm:prefix_cache_hits_total",
    "vllm:gpu_prefix_cache_queries_total",
    "vllm:gpu_prefix_cache_hits_total",
    "vllm:prompt_tokens_total",
    "vllm:generation_tokens_total",
    "vllm:num_preemptions_total",
    "vllm:time_to_first_token_seconds_count",
    "vllm:inter_token_latency_seconds_count",
    "vllm:e2e_request_latency_seconds_count",
    "vllm:request_queue_time_seconds_count",
    "vllm:request_prefill_time_seconds_count",
    "vllm:request_decode_time_seconds_count",
    "medinfer_encode_seconds_count",
  ])("%s", async (name) => {
    expect((await scrape()).get(of(name))).toBeGreaterThanOrEqual(0);
  });

  test("the pool's pages", async () => {
    const { kv } = server().service.models.find(model).engine!.stats();
    const labels = `model_name="${model}",block_size="${kv.pageSize}",num_gpu_blocks="${kv.pages}"`;
    expect((await scrape()).get(of("vllm:cache_config_info", labels))).toBe(1);
  });

  test("a model that is not loaded has a queue and no engine", async () => {
    const found = await scrape();
    const labels = `model_name="${other}"`;
    expect(found.get(of("medinfer_model_loaded", labels))).toBe(0);
    expect(found.get(of("vllm:num_requests_waiting", labels))).toBe(0);
    expect(found.has(of("vllm:num_requests_running", labels))).toBe(false);
  });
});

test("names of models, whatever they hold, are labels as Prometheus reads them", () => {
  const labels = labelsText({ model_name: 'a "b" \\ c\nd' });
  expect(metricText({ name: "x", help: "X.", kind: "gauge" }, [[labels, 0.5]])).toBe(
    `# HELP x X.\n# TYPE x gauge\nx{model_name="a \\"b\\" \\\\ c\\nd"} 0.5\n`,
  );
});

test("every line is of the metric whose kind is told before it, and none comes twice", async () => {
  const text = await (await fetch(`${url()}/metrics`)).text();
  expect(text.endsWith("\n")).toBe(true);
  let name = "";
  const told = new Set<string>();
  for (const line of text.split("\n").filter((each) => each !== "")) {
    const [, type] = /^# TYPE (\S+) (?:gauge|counter|histogram)$/.exec(line) ?? [];
    if (type !== undefined) name = type;
    else if (!line.startsWith("# HELP ")) expect(line).toMatch(new RegExp(`^${name}(_bucket|_sum|_count)?[{ ]`));
    expect(told).not.toContain(line);
    told.add(line);
  }
  expect(text.match(/^# HELP /gm)).toHaveLength(text.match(/^# TYPE /gm)!.length);
});

test("an answer is counted once, with its tokens and times", async () => {
  const before = await scrape();
  const { usage } = await postJson(path(), body);
  const after = await scrape();
  const more = (series: string) => (after.get(series) ?? 0) - (before.get(series) ?? 0);
  for (const name of ["queue", "first_token", "inter_token", "prefill", "decode", "request"]) {
    expect(more(of(`medinfer_${name}_seconds_count`)), name).toBe(1);
  }
  expect(more(of("medinfer_encode_seconds_count"))).toBe(0);
  const [first, whole] = ["first_token", "request"].map((name) => more(of(`medinfer_${name}_seconds_sum`)));
  expect(first).toBeGreaterThan(0);
  expect(first).toBeLessThan(whole!);
  expect(more(of("vllm:generation_tokens_total"))).toBe(usage.completion_tokens);
  expect(more(of("vllm:prompt_tokens_total"))).toBe(usage.prompt_tokens);
  const tokens = (kind: string) => of("medinfer_tokens_total", `model_name="${model}",tenant="default",kind="${kind}"`);
  expect(more(tokens("completion"))).toBe(usage.completion_tokens);
  expect(
    more(of("medinfer_requests_total", 'endpoint="POST /v1/chat/completions",status="200",outcome="answered"')),
  ).toBe(1);
});

test("a stream's tokens are timed as they are handed on", async () => {
  const before = await scrape();
  // Enough of them that they cannot all have come before the first is read.
  const events = await eventsOf(await post(path(), { ...body, max_tokens: 1000, stream: true }));
  const after = await scrape();
  const more = (name: string) => after.get(of(`${name}_count`))! - before.get(of(`${name}_count`))!;
  expect(more("vllm:time_to_first_token_seconds")).toBe(1);
  expect(more("medinfer_first_token_seconds")).toBe(1);
  // A chunk for the role, one for the end, [DONE]; tokens that come faster than they are read share one.
  expect(more("vllm:inter_token_latency_seconds")).toBeGreaterThan(1);
  expect(more("vllm:inter_token_latency_seconds")).toBeLessThanOrEqual(events.length - 3);
});

test("an image's time is counted", async () => {
  const before = await scrape();
  const png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
  const image = { type: "image_url", image_url: { url: `data:image/png;base64,${png}` } };
  await postJson(path(), { ...body, max_tokens: 2, messages: [{ role: "user", content: [image] }] });
  const after = await scrape();
  const more = (name: string) => after.get(of(name))! - before.get(of(name))!;
  expect([more("medinfer_encode_seconds_count"), more("medinfer_images_encoded_total")]).toEqual([1, 1]);
});

test("failures are counted by status", async () => {
  const series = 'medinfer_requests_total{endpoint="POST /v1/chat/completions",status="404",outcome="refused"}';
  const before = (await scrape()).get(series) ?? 0;
  await post(path(), { ...body, model: "none" });
  expect((await scrape()).get(series)).toBe(before + 1);
  await fetch(`${url()}/none`);
  expect(
    (await scrape()).get('medinfer_requests_total{endpoint="none",status="404",outcome="refused"}'),
  ).toBeGreaterThan(0);
});

test("what runs and what waits is as it is now", async () => {
  const { signal } = controller;
  const endless = { ...body, max_tokens: 3000, stream: true };
  const streams = await Promise.all([post(path(), endless, { signal }), post(path(), endless, { signal })]);
  const third = post(path(), endless, { signal });
  third.catch(() => {});
  const { engine } = server().service.models.find(model);
  await until(() => engine!.stats().running === 2 && engine!.stats().queued === 1);
  const found = await scrape();
  expect(found.get(of("vllm:num_requests_running"))).toBe(2);
  expect(found.get(of("vllm:num_requests_waiting"))).toBe(1);
  expect(found.get(of("vllm:kv_cache_usage_perc"))).toBeGreaterThan(0);
  expect(found.get("medinfer_requests_under_way")).toBe(4);
  controller.abort();
  await Promise.allSettled(streams.map((each) => each.text()));
  await until(async () => (await scrape()).get("medinfer_requests_under_way") === 1);
  expect((await scrape()).get(of("vllm:num_requests_waiting"))).toBe(0);
  const gone = 'medinfer_requests_total{endpoint="POST /v1/chat/completions",status="499",outcome="client_gone"}';
  expect((await scrape()).get(gone)).toBe(1);
});
