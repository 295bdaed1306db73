// Logits as logarithms of probabilities.
#pragma once

#include <span>

namespace medinfer {

// What is taken off every logit of a row to make it the natural logarithm of a probability. -infinity where no token
// is possible.
double LogNormalizer(std::span<const float> logits);

// The logprob of one of them; -infinity where it is impossible (candidates.h).
float Logprob(float logit, double normalizer);

}  // namespace medinfer
