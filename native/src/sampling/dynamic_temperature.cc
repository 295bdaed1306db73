#include "sampling/dynamic_temperature.h"

#include <algorithm>
#include <cmath>

#include "llama.h"
#include "sampling/candidates.h"

namespace medinfer {
namespace {

// Below it only ties share the draw, and the quotients stay far from the end of float.
constexpr double kLowest = 1e-20;

}  // namespace

void DynamicTemperature::Apply(llama_token_data_array& candidates) {
  const double temperature = std::max(kLowest, TemperatureFor(candidates));
  for (std::size_t i = 0; i < candidates.size; ++i) {
    candidates.data[i].logit = static_cast<float>(candidates.data[i].logit / temperature);
  }
}

double DynamicTemperature::TemperatureFor(llama_token_data_array& candidates) {
  if (range_ <= 0 || candidates.size <= 1) return temperature_;
  Softmax(candidates, p_);
  double entropy = 0;
  for (const double p : p_) {
    if (p > 0) entropy -= p * std::log(p);
  }
  const double share = std::clamp(entropy / std::log(static_cast<double>(p_.size())), 0.0, 1.0);
  const double lowest = std::max(0.0, static_cast<double>(temperature_) - range_);
  const double highest = static_cast<double>(temperature_) + range_;
  return lowest + (highest - lowest) * std::pow(share, static_cast<double>(exponent_));
}

}  // namespace medinfer
