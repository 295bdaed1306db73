#include "sampling/candidates.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace medinfer {
namespace {

constexpr float kImpossible = -std::numeric_limits<float>::infinity();
constexpr std::size_t kLanes = 16;  // independent maxima: compilers turn them into vector registers
constexpr std::size_t kBlock = 64;

bool Likelier(const llama_token_data& a, const llama_token_data& b) {
  return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
}

// NaN is never the largest.
float LargestOfBlock(const float* block) {
  std::array<float, kLanes> lanes;
  std::copy_n(block, kLanes, lanes.begin());
  for (float& lane : lanes) lane = lane > kImpossible ? lane : kImpossible;
  for (std::size_t i = kLanes; i < kBlock; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const float value = block[i + lane];
      lanes[lane] = value > lanes[lane] ? value : lanes[lane];
    }
  }
  for (std::size_t half = kLanes / 2; half > 0; half /= 2) {
    for (std::size_t lane = 0; lane < half; ++lane) lanes[lane] = std::max(lanes[lane], lanes[lane + half]);
  }
  return lanes[0];
}

}  // namespace

void AllCandidates(std::span<const float> logits, std::vector<llama_token_data>& out) {
  out.resize(logits.size());
  std::size_t n = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    out[n] = {static_cast<llama_token>(i), logits[i], 0.0F};
    n += logits[i] > kImpossible ? 1 : 0;
  }
  out.resize(n);
}

void SelectTop(std::span<const float> logits, std::size_t k, std::vector<llama_token_data>& out) {
  out.clear();
  if (k == 0) return;
  const std::size_t limit = 4 * k + kBlock;  // candidates that are gathered before all but k of them go again
  float threshold = kImpossible;             // what is not above it cannot be among the first k
  const auto shrink = [&] {
    std::nth_element(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(k - 1), out.end(), Likelier);
    out.resize(k);
    threshold = out.back().logit;
  };
  const auto gather = [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      if (logits[i] > threshold) out.push_back({static_cast<llama_token>(i), logits[i], 0.0F});
    }
    if (out.size() >= limit) shrink();
  };
  std::size_t i = 0;
  for (; i + kBlock <= logits.size(); i += kBlock) {
    if (LargestOfBlock(&logits[i]) > threshold) gather(i, i + kBlock);
  }
  gather(i, logits.size());
  if (out.size() > k) shrink();
  std::sort(out.begin(), out.end(), Likelier);
}

void DropImpossible(llama_token_data_array& candidates) {
  llama_token_data* const end = std::remove_if(candidates.data, candidates.data + candidates.size,
                                               [](const llama_token_data& c) { return !(c.logit > kImpossible); });
  candidates.size = static_cast<std::size_t>(end - candidates.data);
}

void SortByLogit(llama_token_data_array& candidates) {
  if (candidates.sorted) return;
  std::sort(candidates.data, candidates.data + candidates.size, Likelier);
  candidates.sorted = true;
}

void Softmax(llama_token_data_array& candidates, std::vector<double>& p) {
  const std::span all(candidates.data, candidates.size);
  double largest = kImpossible;
  for (const llama_token_data& c : all) largest = std::max<double>(largest, c.logit);
  p.resize(all.size());
  double sum = 0;
  for (std::size_t i = 0; i < all.size(); ++i) sum += p[i] = std::exp(all[i].logit - largest);
  for (std::size_t i = 0; i < all.size(); ++i) all[i].p = static_cast<float>(p[i] /= sum);
}

}  // namespace medinfer
