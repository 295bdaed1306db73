// The ranges of SamplingParams: as far as the samplers need them, or llama.cpp would assert. The library's are
// narrower.
#pragma once

#include <cstdint>

#include "medinfer/sampling.h"
#include "medinfer/status.h"

namespace medinfer {

// `n_vocab`: tokens of the vocabulary that biases name tokens of.
Status ValidateSampling(const SamplingParams& params, std::uint32_t n_vocab);

}  // namespace medinfer
