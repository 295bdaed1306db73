#include "sampling/top_logprobs.h"

#include <algorithm>
#include <limits>

#include "sampling/candidates.h"
#include "sampling/log_normalizer.h"

namespace medinfer {
namespace {

std::vector<float> LogitsOf(std::span<const llama_token_data> candidates) {
  std::vector<float> logits;
  logits.reserve(candidates.size());
  for (const llama_token_data& each : candidates) logits.push_back(each.logit);
  return logits;
}

}  // namespace

float TopLogprobs(std::span<const float> logits, std::int32_t token, std::size_t n, std::vector<TokenLogprob>& top) {
  const double normalizer = LogNormalizer(logits);
  std::vector<llama_token_data> likeliest;
  SelectTop(logits, n, likeliest);
  top.clear();
  for (const llama_token_data& each : likeliest) {
    top.push_back({each.id, static_cast<float>(each.logit - normalizer), {}});
  }
  return static_cast<float>(logits[static_cast<std::size_t>(token)] - normalizer);
}

float TopLogprobs(std::span<const llama_token_data> candidates, std::int32_t token, std::size_t n,
                  std::vector<TokenLogprob>& top) {
  const double normalizer = LogNormalizer(LogitsOf(candidates));
  std::vector<llama_token_data> sorted(candidates.begin(), candidates.end());
  const std::size_t count = std::min(n, sorted.size());
  std::partial_sort(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(count), sorted.end(),
                    [](const llama_token_data& a, const llama_token_data& b) {
                      return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
                    });
  top.clear();
  for (std::size_t i = 0; i < count; ++i) {
    top.push_back({sorted[i].id, static_cast<float>(sorted[i].logit - normalizer), {}});
  }
  const auto drawn = std::find_if(candidates.begin(), candidates.end(),
                                  [token](const llama_token_data& each) { return each.id == token; });
  return drawn == candidates.end() ? -std::numeric_limits<float>::infinity()
                                   : static_cast<float>(drawn->logit - normalizer);
}

}  // namespace medinfer
