#include "sampling/candidates.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "sampling/top_logprobs.h"
#include "support/sampling_oracle.h"

namespace medinfer::testing {
namespace {

TEST(SelectTop, IsTheBeginningOfTheSortedWhole) {
  std::mt19937 random(3);
  for (int round = 0; round < 2000; ++round) {
    std::vector<float> logits = RandomLogits(random);
    const int size = Pick(random, 1, 5000);
    while (static_cast<int>(logits.size()) < size) logits.push_back(static_cast<float>(Pick(random, -40, 40)) / 4);
    if (round % 4 == 0) std::sort(logits.begin(), logits.end());  // every one is a new largest
    for (int n = round % 3 == 0 ? 5 : 0; n > 0; --n) {
      logits[static_cast<std::size_t>(Pick(random, 0, static_cast<int>(logits.size()) - 1))] =
          n % 2 == 0 ? NAN : -INFINITY;
    }
    const auto k = static_cast<std::size_t>(Pick(random, 0, 200));
    std::vector<llama_token_data> top;
    SelectTop(logits, k, top);
    Candidates expected = Sorted(logits);
    expected.resize(std::min(k, expected.size()));
    ASSERT_EQ(top.size(), expected.size());
    for (std::size_t i = 0; i < top.size(); ++i) ASSERT_EQ(top[i].id, expected[i].id) << round << " " << i;
  }
}

TEST(AllCandidates, AreThePossibleOnes) {
  std::vector<llama_token_data> all;
  AllCandidates(std::vector<float>{1, NAN, -INFINITY, 2}, all);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].id, 0);
  EXPECT_EQ(all[1].id, 3);
}

TEST(TopLogprobs, AreThoseOfTheWholeDistribution) {
  std::mt19937 random(4);
  for (int round = 0; round < 1000; ++round) {
    const std::vector<float> logits = RandomLogits(random);
    const Candidates all = Softmax(Sorted(logits));
    const auto token = Pick(random, 0, static_cast<int>(logits.size()) - 1);
    std::vector<TokenLogprob> top;
    const float own = TopLogprobs(logits, token, 5, top);
    ASSERT_EQ(top.size(), std::min<std::size_t>(5, all.size()));
    for (std::size_t i = 0; i < top.size(); ++i) {
      EXPECT_EQ(top[i].token, all[i].id);
      EXPECT_NEAR(std::exp(top[i].logprob), all[i].p, kTolerance);
    }
    for (const Candidate& c : all) {
      if (c.id == token) {
        EXPECT_NEAR(std::exp(own), c.p, kTolerance);
      }
    }
  }
}

}  // namespace
}  // namespace medinfer::testing
