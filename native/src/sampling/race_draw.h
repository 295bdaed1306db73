// Draws one of the candidates by their probabilities: the largest logit + Gumbel noise wins (the exponential race).
//
// The noise of a token depends on the seed, the step and the token alone. So the order of the candidates does not
// matter, and logits that differ in their last bits, as kernels give them for batches of other sizes, change the draw
// only where two tokens come in all but together: with a running sum of probabilities, as in llama.cpp, each of its
// steps moves. And drawing again with fewer candidates gives what a draw from those alone would have given.
#pragma once

#include <cstdint>

#include "sampling/own_sampler.h"

namespace medinfer {

class RaceDraw final : public OwnSampler {
 public:
  explicit RaceDraw(std::uint32_t seed) : seed_(seed) {}

  const char* name() const override { return "race"; }
  void Apply(llama_token_data_array& candidates) override;
  void Accept(std::int32_t /*token*/) override { ++step_; }
  void Reset() override { step_ = 0; }
  std::unique_ptr<OwnSampler> Clone() const override { return std::make_unique<RaceDraw>(*this); }

 private:
  std::uint32_t seed_;
  std::uint64_t step_ = 0;
};

}  // namespace medinfer
