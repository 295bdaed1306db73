#include "loading/validate_load_options.h"

#include <cmath>
#include <string>

#include "base/invalid_argument.h"

namespace medinfer {
namespace {

constexpr std::uint32_t kMaxContext = 1U << 24U;  // tokens; far beyond any model, small enough for 32-bit sums
constexpr std::uint32_t kMaxSequences = 256;      // LLAMA_MAX_SEQ
constexpr std::uint32_t kMaxBatch = 1U << 16U;    // tokens
constexpr std::uint32_t kMaxThreads = 512;        // GGML_MAX_N_THREADS

}  // namespace

Status ValidateLoadOptions(const LoadOptions& o) {
  if (o.n_ctx < 1 || o.n_ctx > kMaxContext) return OutOfRange("nCtx", 1, kMaxContext);
  if (o.n_ctx_per_request > o.n_ctx) return OutOfRange("nCtxPerRequest", 0, o.n_ctx);
  if (o.batch_size < 1 || o.batch_size > kMaxSequences) return OutOfRange("batchSize", 1, kMaxSequences);
  if (o.n_ubatch < 1 || o.n_ubatch > kMaxBatch) return OutOfRange("nUbatch", 1, kMaxBatch);
  if (o.n_batch > kMaxBatch) return OutOfRange("nBatch", 0, kMaxBatch);
  if (o.kv_page_size < 16 || o.kv_page_size > 256 || (o.kv_page_size & (o.kv_page_size - 1)) != 0) {
    return Invalid("kv.pageSize must be 16, 32, 64, 128 or 256");
  }
  if (o.pooling != Pooling::kAuto && o.task != Task::kEmbed) {
    return Invalid("pooling is for task \"embed\": leave it out");
  }
  if (o.task != Task::kGenerate && !o.mmproj_path.empty()) {
    return Invalid("mmproj is for task \"generate\": leave it out");
  }
  if (o.heads == Heads::kOn && o.task != Task::kGenerate) {
    return Invalid("heads are for task \"generate\": leave it out");
  }
  if (o.heads == Heads::kOn && !o.draft_path.empty()) {
    return Invalid("heads and a draft model cannot both guess: leave one of them out");
  }
  if (o.n_threads > kMaxThreads) return OutOfRange("nThreads", 0, kMaxThreads);
  if (o.n_gpu_layers < -1) return Invalid("nGpuLayers must be -1 or more");
  if (o.kv_swap_bytes < kAutoBytes) return Invalid("kv.swapBytes must be -1 or more");
  if (o.max_queue < 1) return Invalid("maxQueue must be 1 or more");
  float sum = 0;
  for (const float share : o.tensor_split) {
    if (!std::isfinite(share) || share < 0) return Invalid("tensorSplit must hold numbers of 0 or more");
    sum += share;
  }
  if (!o.tensor_split.empty() && sum <= 0) return Invalid("tensorSplit must hold a number above 0");
  return {};
}

}  // namespace medinfer
