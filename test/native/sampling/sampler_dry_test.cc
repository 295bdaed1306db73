#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "support/sampling_oracle.h"

namespace medinfer::testing {
namespace {

// For each token: the longest text that ends the history and stood before that token once already.
Candidates DryOracle(const InspectRequest& request) {
  const SamplingParams& s = request.sampling;
  const auto n = s.dry_penalty_last_n < 0 ? request.history.size() : static_cast<std::size_t>(s.dry_penalty_last_n);
  const std::vector<int> window(
      request.history.end() - static_cast<std::ptrdiff_t>(std::min(n, request.history.size())), request.history.end());
  const int length = static_cast<int>(window.size());
  Candidates all = Sorted(request.logits);
  for (Candidate& c : all) {
    int longest = -1;
    for (int at = 1; at < length; ++at) {
      if (window[static_cast<std::size_t>(at)] != c.id) continue;
      int same = 0;
      while (same < at &&
             window[static_cast<std::size_t>(at - 1 - same)] == window[static_cast<std::size_t>(length - 1 - same)]) {
        ++same;
      }
      longest = std::max(longest, same);
    }
    if (longest >= s.dry_allowed_length) {
      c.logit -= s.dry_multiplier * std::pow(s.dry_base, longest - s.dry_allowed_length);
    }
  }
  return Softmax(all);
}

TEST(Dry, PenalizesWhatContinuesARepeat) {
  CompareWithOracle({SamplerKind::kDry}, "DRY", [](InspectRequest& request, std::mt19937& random) {
    const int last = static_cast<int>(request.logits.size()) - 1;
    const int words = Pick(random, 0, std::min(last, 4));  // few, so that much repeats
    for (int i = Pick(random, 0, 60); i > 0; --i) request.history.push_back(Pick(random, 0, words));
    SamplingParams& s = request.sampling;
    s.dry_multiplier = static_cast<float>(Uniform(random, 0.1, 1));
    s.dry_base = static_cast<float>(Uniform(random, 1, 1.2));
    s.dry_allowed_length = Pick(random, 1, 4);
    s.dry_penalty_last_n = Pick(random, 0, 1) == 0 ? -1 : Pick(random, 1, 60);
    return [request](double) { return DryOracle(request); };
  });
}

TEST(Dry, NeedsAVocabularyForItsBreakers) {
  InspectRequest request = Bare({1, 2}, {SamplerKind::kDry});
  request.sampling.dry_multiplier = 1;
  request.sampling.dry_sequence_breakers = {"\n"};
  const auto inspection = InspectSampling(request);
  ASSERT_FALSE(inspection.ok());
  EXPECT_NE(inspection.status().message().find("drySequenceBreakers"), std::string::npos);
}

}  // namespace
}  // namespace medinfer::testing
