#include "engine/scoring.h"

#include <utility>

#include "sampling/log_normalizer.h"

namespace medinfer {

std::int32_t Scoring::Enter(std::span<const float> logits, double normalizer) {
  const std::int32_t token = tokens_[logprobs_.size()];
  logprobs_.push_back(Logprob(logits[static_cast<std::size_t>(token)], normalizer));
  return token;
}

Scored Scoring::Take() {
  Scored scored;
  scored.tokens = std::move(tokens_);
  scored.logprobs = std::move(logprobs_);
  return scored;
}

}  // namespace medinfer
