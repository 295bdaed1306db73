#include "sampling/top_logprobs.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "sampling/candidates.h"

namespace medinfer {
namespace {

// What is taken off a logit to make it a logprob.
template <typename Logits, typename LogitOf>
double LogNormalizer(const Logits& all, const LogitOf& logit_of) {
  float largest = -std::numeric_limits<float>::infinity();
  for (const auto& each : all) largest = std::max(largest, logit_of(each));
  double sum = 0;
  for (const auto& each : all) {
    const float p = std::exp(logit_of(each) - largest);
    sum += p == p ? p : 0;  // NaN is impossible (candidates.h)
  }
  return largest + std::log(sum);
}

}  // namespace

float TopLogprobs(std::span<const float> logits, std::int32_t token, std::size_t n, std::vector<TokenLogprob>& top) {
  const double normalizer = LogNormalizer(logits, [](float logit) { return logit; });
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
  const double normalizer = LogNormalizer(candidates, [](const llama_token_data& each) { return each.logit; });
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
