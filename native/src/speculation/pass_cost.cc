#include "speculation/pass_cost.h"

#include <algorithm>

namespace medinfer {
namespace {

// What a pass leaves of those before it: some fifty count.
constexpr double kKept = 0.98;
// Where all passes have been of one size: a token costs this part of a pass without any.
constexpr double kAssumed = 0.5;
// How much that weighs, as a squared deviation of the number of tokens.
constexpr double kAssumedWeight = 16;
// Another process had the core: not what the pass costs.
constexpr double kMostOfExpected = 3;
constexpr double kLeast = 1e-3;
constexpr double kMost = 1e3;

}  // namespace

void PassCost::Report(std::uint32_t tokens, double ms) {
  const double n = tokens;
  if (weight_ > 0) ms = std::min(ms, kMostOfExpected * BaseMs() * (1 + PerToken() * n));
  weight_ = weight_ * kKept + 1;
  tokens_ = tokens_ * kKept + n;
  ms_ = ms_ * kKept + ms;
  tokens_tokens_ = tokens_tokens_ * kKept + n * n;
  tokens_ms_ = tokens_ms_ * kKept + n * ms;
}

double PassCost::BaseMs() const { return ms_ / weight_ / (1 + PerToken() * tokens_ / weight_); }

// Least squares with a little of what is assumed, which alone holds where the passes have all been alike.
double PassCost::PerToken() const {
  if (given_ > 0) return given_;
  const double n = tokens_ / weight_;
  const double ms = ms_ / weight_;
  const double assumed = ms * kAssumed / (1 + kAssumed * n);
  const double spread = tokens_tokens_ - weight_ * n * n;
  const double common = tokens_ms_ - weight_ * n * ms;
  const double slope = (common + kAssumedWeight * assumed) / (spread + kAssumedWeight);
  const double base = ms - slope * n;
  if (slope <= 0) return kLeast;
  if (base <= 0) return kMost;
  return std::clamp(slope / base, kLeast, kMost);
}

}  // namespace medinfer
