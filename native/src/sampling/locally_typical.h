// Locally typical sampling: keeps the candidates whose surprise is nearest to the expected one, the entropy, until
// their probabilities sum up to more than p.
//
// Ours and not llama.cpp's, which takes the logarithm of a probability that has underflowed to 0: one such candidate,
// and everything is NaN.
#pragma once

#include <cstddef>
#include <vector>

#include "sampling/own_sampler.h"

namespace medinfer {

class LocallyTypical final : public OwnSampler {
 public:
  // REQUIRES: min_keep >= 1. p >= 1 keeps all.
  LocallyTypical(float p, std::size_t min_keep) : p_(p), min_keep_(min_keep) {}

  const char* name() const override { return "typical"; }
  // Leaves the candidates in the order of their typicality.
  void Apply(llama_token_data_array& candidates) override;
  std::unique_ptr<OwnSampler> Clone() const override { return std::make_unique<LocallyTypical>(p_, min_keep_); }

 private:
  float p_;
  std::size_t min_keep_;
  std::vector<double> probabilities_;  // scratch
};

}  // namespace medinfer
