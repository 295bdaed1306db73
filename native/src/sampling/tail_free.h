// Tail-free sampling (llama.cpp b3534; later versions have none): cuts the tail of the sorted distribution where its
// curvature has summed up to z.
//
// The curve's second differences d2, made to sum up to 1, are added from the top; at the first i >= min_keep where the
// sum exceeds z, the i likeliest candidates stay. That is one fewer than the sum covers, as in the reference. Three
// candidates or more are needed for a curvature; fewer stay as they are.
#pragma once

#include <cstddef>
#include <vector>

#include "sampling/own_sampler.h"

namespace medinfer {

class TailFree final : public OwnSampler {
 public:
  // REQUIRES: min_keep >= 1. z >= 1 keeps all.
  TailFree(float z, std::size_t min_keep) : z_(z), min_keep_(min_keep) {}

  const char* name() const override { return "tail-free"; }
  void Apply(llama_token_data_array& candidates) override;
  std::unique_ptr<OwnSampler> Clone() const override { return std::make_unique<TailFree>(z_, min_keep_); }

 private:
  float z_;
  std::size_t min_keep_;
  std::vector<double> p_;   // scratch
  std::vector<double> d2_;  // scratch
};

}  // namespace medinfer
