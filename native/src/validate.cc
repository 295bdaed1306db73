#include "validate.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace medinfer {
namespace {

constexpr std::uint32_t kMaxContext = 1U << 24U;  // tokens; far beyond any model, small enough for 32-bit sums
constexpr std::uint32_t kMaxSequences = 256;      // LLAMA_MAX_SEQ
constexpr std::uint32_t kMaxBatch = 1U << 16U;    // tokens
constexpr std::uint32_t kMaxThreads = 512;        // GGML_MAX_N_THREADS
constexpr std::uint32_t kMaxProbs = 100;          // tokens told beside a drawn one
constexpr std::uint32_t kMaxCompletions = 64;     // of one prompt

constexpr std::size_t kMaxSaltBytes = 256;

Status OutOfRange(const char* name, std::uint64_t low, std::uint64_t high) {
  return {Code::kInvalidArgument,
          std::string(name) + " must be from " + std::to_string(low) + " to " + std::to_string(high)};
}

Status Invalid(const char* message) { return {Code::kInvalidArgument, message}; }

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

Status ValidateRequest(const Request& request, bool vision, std::uint32_t n_vocab) {
  if (request.prompt.empty()) return Invalid("the prompt is empty");
  for (const PromptPart& part : request.prompt) {
    if (part.image == nullptr) continue;
    if (!vision) {
      return {Code::kNoVision, "the engine has no projector, so it can not read images: load it with mmproj"};
    }
    if (part.image->empty()) return {Code::kImageDecode, "the image is empty (0 bytes): send the file's bytes"};
  }
  if (Status status = ValidateSampling(request.sampling, n_vocab); !status.ok()) return status;
  if (request.n_probs > kMaxProbs) return OutOfRange("nProbs", 0, kMaxProbs);
  if (request.n < 1 || request.n > kMaxCompletions) return OutOfRange("n", 1, kMaxCompletions);
  if (request.keep && request.n != 1) return Invalid("a session goes on from one completion: leave n out");
  if (request.cache_salt.size() > kMaxSaltBytes) return Invalid("cacheSalt must have at most 256 bytes");
  if (request.n_predict < -1) return Invalid("nPredict must be -1 or more");
  if (std::any_of(request.stop_strings.begin(), request.stop_strings.end(),
                  [](const std::string& stop) { return stop.empty(); })) {
    return Invalid("stopStrings must not hold an empty string");
  }
  if (request.reasoning && (request.reasoning->open.empty() || request.reasoning->close.empty())) {
    return Invalid("thinkingTags must not be empty");
  }
  return {};
}

}  // namespace medinfer
