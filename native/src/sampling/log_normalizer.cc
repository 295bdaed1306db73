#include "sampling/log_normalizer.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace medinfer {
namespace {

constexpr float kImpossible = -std::numeric_limits<float>::infinity();

}  // namespace

double LogNormalizer(std::span<const float> logits) {
  float largest = kImpossible;
  for (const float logit : logits) largest = std::max(largest, logit);
  if (!(largest > kImpossible)) return kImpossible;
  double sum = 0;
  for (const float logit : logits) {
    const float p = std::exp(logit - largest);
    sum += p == p ? p : 0;  // NaN is impossible (candidates.h)
  }
  return largest + std::log(sum);
}

float Logprob(float logit, double normalizer) {
  return logit > kImpossible ? static_cast<float>(logit - normalizer) : kImpossible;
}

}  // namespace medinfer
