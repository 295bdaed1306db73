import type { EngineStats } from "medinfer";
import { labelsText, metricText, type MetricHead } from "./written-metric.js";

interface EngineMetric extends MetricHead {
  of: (stats: EngineStats) => number;
}

const metric = (kind: EngineMetric["kind"], name: string, help: string, of: EngineMetric["of"]): EngineMetric => ({
  kind,
  name,
  help,
  of,
});

/** Share of the KV pool that running requests hold. */
const kvUsed = ({ kv, kvCells, kvCellsUsed }: EngineStats) => {
  if (kv.paged) return kv.pages === 0 ? 0 : kv.pagesUsed / kv.pages;
  return kvCells === 0 ? 0 : Math.min(1, kvCellsUsed / kvCells);
};
const promptTokens = (stats: EngineStats) => stats.promptTokens + stats.kv.tokensSaved;

/** What an engine counts, under the names that routers and autoscalers know from vLLM, and under our own. */
const ENGINE_METRICS: readonly EngineMetric[] = [
  metric("gauge", "vllm:num_requests_running", "Requests that generate, now.", (s) => s.running),
  metric("gauge", "vllm:kv_cache_usage_perc", "Share of the KV pool in use, 0 to 1.", kvUsed),
  metric("gauge", "vllm:gpu_cache_usage_perc", "The same under its older name.", kvUsed),
  metric("counter", "vllm:prefix_cache_queries_total", "Tokens of prompts.", promptTokens),
  metric("counter", "vllm:prefix_cache_hits_total", "Of them, found in the cache.", (s) => s.kv.tokensSaved),
  metric("counter", "vllm:gpu_prefix_cache_queries_total", "The same under its older name.", promptTokens),
  metric("counter", "vllm:gpu_prefix_cache_hits_total", "The same under its older name.", (s) => s.kv.tokensSaved),
  metric("counter", "vllm:prompt_tokens_total", "Tokens of prompts, those in the cache included.", promptTokens),
  metric("counter", "vllm:generation_tokens_total", "Tokens generated.", (s) => s.generatedTokens),
  metric("counter", "vllm:spec_decode_num_draft_tokens_total", "Tokens proposed ahead.", (s) => s.draftTokens),
  metric("counter", "vllm:spec_decode_num_accepted_tokens_total", "Of them, generated.", (s) => s.acceptedTokens),
  metric("counter", "vllm:num_preemptions_total", "Requests put back to free memory.", (s) => s.preemptions),

  metric("gauge", "medinfer_engine_queued", "Requests that wait for a place in the batch, now.", (s) => s.queued),
  metric("gauge", "medinfer_engine_encoding", "Requests that wait for their images, now.", (s) => s.encoding),
  metric("gauge", "medinfer_engine_running", "Requests that generate, now.", (s) => s.running),
  metric("gauge", "medinfer_engine_paused", "Of them, those whose client does not read.", (s) => s.paused),
  metric("gauge", "medinfer_engine_threads", "CPU threads of the latest forward pass.", (s) => s.threads),
  metric("counter", "medinfer_engine_completed_total", "Engine requests that ended well.", (s) => s.completed),
  metric("counter", "medinfer_engine_failed_total", "Engine requests that failed.", (s) => s.failed),
  metric("counter", "medinfer_engine_aborted_total", "Engine requests that were ended early.", (s) => s.aborted),
  metric("counter", "medinfer_engine_steps_total", "Forward passes.", (s) => s.steps),
  metric("counter", "medinfer_engine_step_seconds_total", "That they took.", (s) => s.stepMs / 1000),
  metric(
    "counter",
    "medinfer_engine_graphs_reused_total",
    "Of them, those that ran the graph of the pass before.",
    (s) => s.graphsReused,
  ),
  metric(
    "counter",
    "medinfer_engine_prompt_tokens_total",
    "Tokens read: those in the cache are not.",
    (s) => s.promptTokens,
  ),
  metric("counter", "medinfer_engine_generated_tokens_total", "Tokens generated.", (s) => s.generatedTokens),
  metric("counter", "medinfer_engine_draft_tokens_total", "Tokens proposed ahead.", (s) => s.draftTokens),
  metric("counter", "medinfer_engine_accepted_tokens_total", "Of them, generated.", (s) => s.acceptedTokens),
  metric("counter", "medinfer_engine_preemptions_total", "Requests put back to free memory.", (s) => s.preemptions),
  metric("counter", "medinfer_images_encoded_total", "Images encoded.", (s) => s.imagesEncoded),
  metric("counter", "medinfer_image_cache_hits_total", "Images found in the cache.", (s) => s.imageCacheHits),
  metric("counter", "medinfer_image_batches_total", "Passes of the encoder.", (s) => s.imageBatches),
  metric("counter", "medinfer_image_seconds_total", "That they took.", (s) => s.imageMs / 1000),
  metric("gauge", "medinfer_image_cache_bytes", "Bytes of cached image embeddings, now.", (s) => s.imageCacheBytes),
  metric("gauge", "medinfer_kv_cells", "Size of the KV pool, in tokens.", (s) => s.kvCells),
  metric("gauge", "medinfer_kv_cells_used", "Of them, held by running requests, now.", (s) => s.kvCellsUsed),
  metric("gauge", "medinfer_kv_pages", "Pages of the KV pool.", (s) => s.kv.pages),
  metric("gauge", "medinfer_kv_pages_free", "Pages that hold nothing, now.", (s) => s.kv.pagesFree),
  metric("gauge", "medinfer_kv_pages_used", "Pages held by requests, now.", (s) => s.kv.pagesUsed),
  metric("gauge", "medinfer_kv_pages_shared", "Pages with more than one holder, now.", (s) => s.kv.pagesShared),
  metric("gauge", "medinfer_kv_pages_cached", "Pages kept for prompts that begin alike, now.", (s) => s.kv.pagesCached),
  metric("counter", "medinfer_kv_pages_evicted_total", "Cached pages given up.", (s) => s.kv.pagesEvicted),
  metric(
    "gauge",
    "medinfer_kv_fragmentation",
    "Share of tokens in used pages that nobody holds.",
    (s) => s.kv.fragmentation,
  ),
  metric(
    "counter",
    "medinfer_prefix_hits_total",
    "Requests that found a part of their prompt.",
    (s) => s.kv.prefixHits,
  ),
  metric(
    "counter",
    "medinfer_prefix_tokens_saved_total",
    "Tokens of prompts that were not computed.",
    (s) => s.kv.tokensSaved,
  ),
  metric(
    "counter",
    "medinfer_kv_tokens_swapped_total",
    "Tokens kept from being computed again.",
    (s) => s.kv.tokensSwapped,
  ),
  metric("gauge", "medinfer_kv_swap_bytes", "Bytes held outside the pool, now.", (s) => s.kv.swapBytes),
  metric("gauge", "medinfer_kv_host_pages", "Pages kept beside the pool, now.", (s) => s.kv.hostPages),
  metric("gauge", "medinfer_kv_host_bytes", "Bytes of them.", (s) => s.kv.hostBytes),
  metric("gauge", "medinfer_kv_disk_pages", "Pages on a disk, now.", (s) => s.kv.diskPages),
  metric("gauge", "medinfer_kv_disk_bytes", "Bytes of them, as the file has them.", (s) => s.kv.diskBytes),
  metric(
    "counter",
    "medinfer_kv_disk_lost_total",
    "Pages that the disk did not take or gave back damaged.",
    (s) => s.kv.diskLost,
  ),
  metric(
    "counter",
    "medinfer_kv_tokens_restored_total",
    "Tokens of prompts copied back from there.",
    (s) => s.kv.tokensRestored,
  ),
];

/** An engine that is loaded, as it stands now. */
export interface EngineReading {
  model: string;
  stats: EngineStats;
}

/**
 * The engines' own counters in Prometheus' text format. A model that is not loaded has none; loaded again, its counters begin at
 * 0, which Prometheus takes for what it is.
 */
export function engineText(readings: readonly EngineReading[]): string {
  const loaded = readings.map(({ model, stats }) => ({ labels: labelsText({ model_name: model }), stats }));
  const texts = ENGINE_METRICS.map((each) =>
    metricText(
      each,
      loaded.map(({ labels, stats }) => [labels, each.of(stats)] as const),
    ),
  );
  const pools = readings.map(({ model, stats: { kv } }) => {
    const labels = { model_name: model, block_size: kv.pageSize, num_gpu_blocks: kv.pages };
    return [labelsText(labels), 1] as const;
  });
  return texts.join("") + metricText(CACHE_INFO, pools);
}

const CACHE_INFO: MetricHead = {
  name: "vllm:cache_config_info",
  help: "The KV pool: its pages, and the tokens of a page.",
  kind: "gauge",
};
