#include <gtest/gtest.h>
#include <llama.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "sampling/race_draw.h"
#include "support/sampling_oracle.h"

namespace medinfer::testing {
namespace {

std::int32_t Draw(RaceDraw& draw, std::vector<llama_token_data> candidates) {
  llama_token_data_array array{candidates.data(), candidates.size(), -1, false};
  draw.Apply(array);
  const std::int32_t token = array.data[array.selected].id;
  draw.Accept(token);
  return token;
}

const std::vector<llama_token_data> kFour = {{10, 2, 0}, {20, 1, 0}, {30, 0, 0}, {40, -60, 0}};

TEST(RaceDraw, DrawsByTheProbabilities) {
  RaceDraw draw(1);
  std::map<std::int32_t, int> drawn;
  constexpr int kDraws = 50000;
  for (int i = 0; i < kDraws; ++i) ++drawn[Draw(draw, kFour)];
  const double sum = std::exp(2) + std::exp(1) + 1;
  EXPECT_NEAR(drawn[10], kDraws * std::exp(2) / sum, 500);
  EXPECT_NEAR(drawn[20], kDraws * std::exp(1) / sum, 500);
  EXPECT_NEAR(drawn[30], kDraws / sum, 500);
  EXPECT_EQ(drawn[40], 0);
}

TEST(RaceDraw, MindsNeitherOrderNorTheLastBits) {
  std::mt19937 random(8);
  RaceDraw straight(3);
  RaceDraw shuffled(3);
  int different = 0;
  for (int i = 0; i < 20000; ++i) {
    std::vector<llama_token_data> candidates;
    for (int id = 0; id < 40; ++id) candidates.push_back({id, static_cast<float>(Uniform(random, -3, 3)), 0});
    std::vector<llama_token_data> other = candidates;
    std::shuffle(other.begin(), other.end(), random);
    for (llama_token_data& each : other) each.logit += static_cast<float>(Uniform(random, -1e-5, 1e-5));
    different += Draw(straight, candidates) == Draw(shuffled, other) ? 0 : 1;
  }
  EXPECT_LE(different, 3);
}

TEST(RaceDraw, DrawsFromFewerAsIfTheOthersHadNeverBeen) {
  RaceDraw all(4);
  RaceDraw few(4);
  for (int i = 0; i < 2000; ++i) {
    const std::int32_t token = Draw(all, kFour);
    const std::int32_t among = Draw(few, {kFour.begin() + 1, kFour.end()});
    EXPECT_TRUE(token == 10 || among == token);
  }
}

TEST(RaceDraw, KeepsItsStepThroughClonesAndBeginsAgainAfterAReset) {
  RaceDraw draw(5);
  std::vector<std::int32_t> first;
  for (int i = 0; i < 50; ++i) first.push_back(Draw(draw, kFour));
  const auto clone = draw.Clone();
  auto& copy = static_cast<RaceDraw&>(*clone);
  for (int i = 0; i < 50; ++i) ASSERT_EQ(Draw(copy, kFour), Draw(draw, kFour));
  draw.Reset();
  for (const std::int32_t token : first) ASSERT_EQ(Draw(draw, kFour), token);
}

}  // namespace
}  // namespace medinfer::testing
