#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "support/sampling_oracle.h"

namespace medinfer::testing {
namespace {

TEST(LocallyTypical, KeepsWhatIsAsSurprisingAsExpected) {
  CompareWithOracle({SamplerKind::kTypicalP}, "TYPICAL_P", [](InspectRequest& request, std::mt19937& random) {
    const double typical = request.sampling.typical_p = static_cast<float>(Uniform(random, 0, 0.999));
    const auto keep = static_cast<std::size_t>(std::max(1, request.sampling.min_keep));
    return [typical, keep, all = Softmax(Sorted(request.logits))](double edge) {
      double entropy = 0;
      for (const Candidate& c : all) entropy += c.p > 0 ? -c.p * std::log(c.p) : 0;
      const auto distance = [&](const Candidate& c) { return c.p > 0 ? std::abs(-std::log(c.p) - entropy) : HUGE_VAL; };
      Candidates order = all;
      std::stable_sort(order.begin(), order.end(),
                       [&](const Candidate& a, const Candidate& b) { return distance(a) < distance(b); });
      std::size_t n = 0;
      double sum = 0;
      while (n < order.size() && (n < keep || sum <= typical + edge * 1e-3)) sum += order[n++].p;
      order.resize(std::max<std::size_t>(n, 1));
      return Softmax(order);
    };
  });
}

// llama.cpp's own sampler keeps arbitrary candidates here: the entropy of a probability of 0 is NaN to it.
TEST(LocallyTypical, BearsProbabilitiesThatUnderflow) {
  InspectRequest request = Bare({0, 0, 0, -500, -500}, {SamplerKind::kTypicalP});
  request.sampling.typical_p = 0.5F;
  const auto inspection = InspectSampling(request);
  ASSERT_TRUE(inspection.ok());
  const Candidates kept = After(inspection.value(), "TYPICAL_P");
  ASSERT_EQ(kept.size(), 2U);
  EXPECT_NEAR(kept[0].p, 0.5, kTolerance);
}

}  // namespace
}  // namespace medinfer::testing
