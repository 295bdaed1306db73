#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "support/sampling_oracle.h"

namespace medinfer::testing {
namespace {

Candidates Divided(Candidates candidates, double temperature) {
  for (Candidate& c : candidates) c.logit /= temperature;
  return Softmax(std::move(candidates));
}

TEST(Temperature, DividesLogits) {
  CompareWithOracle({SamplerKind::kTemperature}, "TEMPERATURE", [](InspectRequest& request, std::mt19937& random) {
    const double t = request.sampling.temperature = static_cast<float>(Uniform(random, 0.05, 3));
    return [t, all = Sorted(request.logits)](double) { return Divided(all, t); };
  });
}

TEST(DynamicTemperature, FollowsTheEntropy) {
  CompareWithOracle({SamplerKind::kTemperature}, "TEMPERATURE", [](InspectRequest& request, std::mt19937& random) {
    SamplingParams& s = request.sampling;
    const double t = s.temperature = static_cast<float>(Uniform(random, 0.3, 2));
    const double range = s.dynatemp_range = static_cast<float>(Uniform(random, 0.01, 0.25));
    const double exponent = s.dynatemp_exponent = static_cast<float>(Uniform(random, 0.5, 2));
    return [=, all = Softmax(Sorted(request.logits))](double) {
      double entropy = 0;
      for (const Candidate& c : all) entropy += c.p > 0 ? -c.p * std::log(c.p) : 0;
      const double share = entropy / std::log(static_cast<double>(all.size()));
      const double low = std::max(0.0, t - range);
      return Divided(all, low + (t + range - low) * std::pow(share, exponent));
    };
  });
}

// llama.cpp's own sampler divides by 0 or nearly so, and draws the last candidate.
TEST(DynamicTemperature, BearsAConfidentModel) {
  InspectRequest request = Bare({5, 60, 5, 5}, {SamplerKind::kTemperature});
  request.sampling.temperature = request.sampling.dynatemp_range = 1;
  request.sampling.dynatemp_exponent = 4;
  const auto inspection = InspectSampling(request);
  ASSERT_TRUE(inspection.ok());
  EXPECT_EQ(inspection.value().token, 1);
  EXPECT_NEAR(After(inspection.value(), "TEMPERATURE")[0].p, 1, kTolerance);
}

}  // namespace
}  // namespace medinfer::testing
