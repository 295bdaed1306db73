#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "sampling/tail_free.h"
#include "support/sampling_oracle.h"

namespace medinfer::testing {
namespace {

// Word by word after the definition.
Candidates TailFreeOracle(const std::vector<float>& logits, double z, std::size_t min_keep, double edge) {
  Candidates all = Softmax(Sorted(logits));
  if (all.size() <= 2) return all;
  std::vector<double> d1;
  for (std::size_t i = 0; i + 1 < all.size(); ++i) d1.push_back(all[i].p - all[i + 1].p);
  std::vector<double> d2;
  for (std::size_t i = 0; i + 1 < d1.size(); ++i) d2.push_back(std::abs(d1[i] - d1[i + 1]));
  double sum = 0;
  for (const double d : d2) sum += d;
  double cumulative = 0;
  for (std::size_t i = 0; i < d2.size(); ++i) {
    cumulative += sum <= 1e-6 ? 1.0 / static_cast<double>(d2.size()) : d2[i] / sum;
    if (cumulative > z + edge && i >= min_keep) {
      all.resize(i);
      break;
    }
  }
  return Softmax(all);
}

TEST(TailFree, CutsTheTailWhereItsCurvatureIsSpent) {
  CompareWithOracle({SamplerKind::kTfsZ}, "TFS_Z", [](InspectRequest& request, std::mt19937& random) -> Oracle {
    const double z = request.sampling.tfs_z = static_cast<float>(Uniform(random, 0, 0.999));
    const auto keep = static_cast<std::size_t>(std::max(1, request.sampling.min_keep));
    return [z, keep, logits = request.logits](double edge) { return TailFreeOracle(logits, z, keep, edge * 1e-3); };
  });
}

TEST(TailFree, GivesTheReferenceVectors) {
  const std::vector<std::pair<float, std::vector<int>>> vectors = {{0.25F, {4}}, {0.75F, {4, 3}}, {0.99F, {4, 3}}};
  for (const auto& [z, expected] : vectors) {
    std::vector<float> logits;
    for (const float p : {0.1F, 0.15F, 0.2F, 0.25F, 0.3F}) logits.push_back(std::log(p));
    InspectRequest request = Bare(logits, {SamplerKind::kTfsZ});
    request.sampling.tfs_z = z;
    const auto inspection = InspectSampling(request);
    ASSERT_TRUE(inspection.ok());
    std::vector<int> ids;
    for (const Candidate& c : After(inspection.value(), "TFS_Z")) ids.push_back(c.id);
    EXPECT_EQ(ids, expected) << z;
  }
}

}  // namespace
}  // namespace medinfer::testing
