// The sampling chain by itself, on a distribution of the caller's, with no model.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "medinfer/sampling.h"
#include "medinfer/status.h"

namespace medinfer {

struct InspectRequest {
  std::vector<float> logits;          // by token id; -infinity: never drawn. REQUIRES: not empty, one finite
  std::vector<std::int32_t> history;  // the prompt, for the penalties
  std::int32_t newline_token = -1;    // the one that penalize_nl spares; -1: none
  SamplingParams sampling;
};

// What one stage of the chain left, likeliest first.
struct InspectedStage {
  std::string sampler;
  std::vector<std::int32_t> tokens;
  std::vector<float> probabilities;  // by candidate; they sum up to 1
};

struct Inspection {
  std::vector<InspectedStage> stages;  // those that are on, in their order
  std::int32_t token = -1;             // drawn with the seed
};

// Refuses what needs a vocabulary: biases and a penalty prompt by text, DRY's sequence breakers.
Result<Inspection> InspectSampling(const InspectRequest& request);

}  // namespace medinfer
