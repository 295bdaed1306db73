#include "engine/guess.h"

#include <cmath>

#include "sampling/arg_max.h"
#include "sampling/log_normalizer.h"

namespace medinfer {

Guess LikeliestGuess(std::span<const float> logits, std::size_t n_vocab) {
  const std::size_t likeliest = ArgMax(logits);
  if (likeliest >= n_vocab) return {};
  const double logprob = Logprob(logits[likeliest], LogNormalizer(logits));
  return {static_cast<std::int32_t>(likeliest), static_cast<float>(std::exp(logprob))};
}

}  // namespace medinfer
