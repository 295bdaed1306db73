// Divides logits by a temperature that follows the entropy H of the candidates:
//   T = min + (max - min) * (H / Hmax) ^ exponent, with min = max(0, temperature - range), max = temperature + range.
// A range of 0 is the plain temperature.
//
// Ours and not llama.cpp's, which sorts the candidates, and divides by temperatures so small that logits become
// infinite and their probabilities NaN: a confident model does that at min = 0.
#pragma once

#include <vector>

#include "sampling/own_sampler.h"

namespace medinfer {

class DynamicTemperature final : public OwnSampler {
 public:
  // REQUIRES: temperature > 0.
  DynamicTemperature(float temperature, float range, float exponent)
      : temperature_(temperature), range_(range), exponent_(exponent) {}

  const char* name() const override { return "temperature"; }
  void Apply(llama_token_data_array& candidates) override;
  std::unique_ptr<OwnSampler> Clone() const override {
    return std::make_unique<DynamicTemperature>(temperature_, range_, exponent_);
  }

 private:
  double TemperatureFor(llama_token_data_array& candidates);

  float temperature_;
  float range_;
  float exponent_;
  std::vector<double> p_;  // scratch
};

}  // namespace medinfer
