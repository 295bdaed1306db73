// What passes cost and drafts bring, on made-up machines.
#include "speculation/pass_cost.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "speculation/acceptance.h"

namespace medinfer::testing {
namespace {

TEST(PassCost, IsTheSlopeOfTheLineInUnitsOfItsStart) {
  std::mt19937 random(3);
  std::uniform_int_distribution<std::uint32_t> tokens(1, 17);
  std::normal_distribution<double> noise(1, 0.05);
  for (const double per_token : {0.02, 0.1, 0.5}) {
    PassCost cost;
    EXPECT_FALSE(cost.known());
    for (int pass = 0; pass < 400; ++pass) {
      const std::uint32_t n = tokens(random);
      cost.Report(n, 5 * (1 + per_token * n) * noise(random));
    }
    EXPECT_NEAR(cost.PerToken() / per_token, 1, 0.35) << per_token;
  }
}

TEST(PassCost, AssumesSomethingWhereAllPassesAreAlike) {
  PassCost cost;
  for (int pass = 0; pass < 50; ++pass) cost.Report(1, 7);
  EXPECT_NEAR(cost.PerToken(), 0.5, 0.01);
}

TEST(PassCost, IsWhatWasGiven) {
  PassCost cost(0.25);
  for (int pass = 0; pass < 50; ++pass) cost.Report(1 + pass % 9, 7);
  EXPECT_EQ(cost.PerToken(), 0.25);
}

TEST(PassCost, FollowsAChange) {
  PassCost cost;
  for (int pass = 0; pass < 500; ++pass) cost.Report(1 + pass % 9, 10 + 0.1 * (1 + pass % 9));
  EXPECT_LT(cost.PerToken(), 0.03);
  for (int pass = 0; pass < 500; ++pass) cost.Report(1 + pass % 9, 10 + 5.0 * (1 + pass % 9));
  EXPECT_NEAR(cost.PerToken(), 0.5, 0.15);
}

TEST(PassCost, IsNotMovedFarByAPassThatWasHeldUp) {
  PassCost cost;
  for (int pass = 0; pass < 200; ++pass) cost.Report(1 + pass % 9, 10 + 1.0 * (1 + pass % 9));
  const double before = cost.PerToken();
  cost.Report(1, 5000);
  EXPECT_GT(cost.PerToken(), before / 2);
  // Nor is it ever less than nothing.
  for (int pass = 0; pass < 200; ++pass) cost.Report(1 + pass % 9, 100 - 10.0 * (1 + pass % 9));
  EXPECT_GT(cost.PerToken(), 0);
}

TEST(Acceptance, ComesToWhatDraftsShow) {
  Acceptance acceptance;
  const GuessKind steady = GuessKind::Seen(0, NextTokens::kSteadiest);
  const std::vector<GuessKind> draft(6, steady);
  std::mt19937 random(5);
  std::bernoulli_distribution right(0.8);
  for (int i = 0; i < 400; ++i) {
    std::size_t accepted = 0;
    while (accepted < draft.size() && right(random)) ++accepted;
    acceptance.Report(draft, accepted);
  }
  EXPECT_NEAR(acceptance.Of(steady), 0.8, 0.12);
  EXPECT_NEAR(acceptance.Prior().Of(steady), acceptance.Of(steady), 1e-9);
  EXPECT_EQ(acceptance.Of(GuessKind::Forced()), Acceptance().Of(GuessKind::Forced())) << "of another kind";
  // What a text begins with, it can soon leave.
  Acceptance text = acceptance.Prior();
  for (int i = 0; i < 10; ++i) text.Report(draft, 0);
  EXPECT_LT(text.Of(steady), 0.35);
  for (int i = 0; i < 1000; ++i) text.Report(draft, 0);
  EXPECT_GT(text.Of(steady), 0);
}

TEST(Acceptance, CountsAKindAsFarAsItWasLookedAt) {
  Acceptance acceptance;
  const GuessKind steady = GuessKind::Seen(0, NextTokens::kSteadiest);
  const GuessKind once = GuessKind::Seen(2, 0);
  const double before = acceptance.Of(GuessKind::Forced());
  for (int i = 0; i < 50; ++i) acceptance.Report(std::vector{steady, once, GuessKind::Forced()}, 1);
  EXPECT_GT(acceptance.Of(steady), 0.95);
  EXPECT_LT(acceptance.Of(once), 0.2);
  EXPECT_EQ(acceptance.Of(GuessKind::Forced()), before) << "behind a token that was refused";
}

TEST(Acceptance, LongerAndSteadierContextsArePreferredAtFirst) {
  const Acceptance acceptance;
  for (std::size_t order = 0; order < NextTokens::kOrders.size(); ++order) {
    EXPECT_LT(acceptance.Of(GuessKind::Seen(order, 0)), acceptance.Of(GuessKind::Seen(order, 1)));
    EXPECT_LT(acceptance.Of(GuessKind::Seen(order, 1)), acceptance.Of(GuessKind::Seen(order, NextTokens::kSteadiest)));
    if (order > 0) {
      EXPECT_LT(acceptance.Of(GuessKind::Seen(order, 0)), acceptance.Of(GuessKind::Seen(order - 1, 0)));
    }
  }
}

}  // namespace
}  // namespace medinfer::testing
