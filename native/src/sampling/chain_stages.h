// The stages of a sampling chain, made from its parameters: those that are on, in their order.
#pragma once

#include <cstddef>
#include <vector>

#include "medinfer/sampling.h"
#include "sampling/own_sampler.h"
#include "sampling/penalties.h"
#include "sampling/sampler_tokens.h"

namespace medinfer {

struct Stage {
  SamplerKind kind;
  SamplerPtr sampler;
};

// Invariant: greedy and `filters` hold no stage that could not change what is drawn.
struct ChainStages {
  std::unique_ptr<Penalties> first_penalties;  // before all candidates are made; null: off, or among the filters
  Penalties* penalties = nullptr;              // wherever they are; null: off
  std::vector<Stage> filters;
  std::size_t first_top_k = 0;          // > 0: `filters` begins with a top-k of this, which SelectTop can do
  bool greedy = false;                  // the likeliest candidate is drawn; then `selector` is null
  SamplerPtr selector;                  // draws, and with some kinds also filters
  const char* selector_name = nullptr;  // of one that changes the distribution; null: it only draws
};

ChainStages BuildStages(const SamplingParams& params, const SamplerTokens& tokens);

// As the library names them, e.g. "TOP_K".
const char* SamplerName(SamplerKind kind);

}  // namespace medinfer
