#include "speculation/next_tokens.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace medinfer::testing {
namespace {

using Tokens = std::vector<std::int32_t>;

// Of the longest context that is known.
std::optional<NextTokens::Guess> Guess(const NextTokens& table, const Tokens& behind) {
  const auto contexts = NextTokens::ContextsOf(behind);
  for (std::size_t order = 0; order < NextTokens::kOrders.size(); ++order) {
    if (const auto guess = table.Find(contexts, order)) return guess;
  }
  return std::nullopt;
}

void Read(NextTokens& table, const Tokens& tokens) {
  for (std::size_t i = 1; i < tokens.size(); ++i) {
    table.Learn(NextTokens::ContextsOf(std::span(tokens).first(i)), tokens[i]);
  }
}

TEST(NextTokens, KnowsWhatFollowedAndHowOften) {
  NextTokens table(64);
  EXPECT_FALSE(Guess(table, {1, 2}));
  Read(table, {1, 2, 3, 4});
  ASSERT_TRUE(Guess(table, {9, 1, 2}));
  EXPECT_EQ(Guess(table, {9, 1, 2})->token, 3);
  EXPECT_EQ(Guess(table, {9, 1, 2})->steady, 0);
  EXPECT_FALSE(Guess(table, {2}));
  EXPECT_FALSE(Guess(table, {}));
  for (int i = 0; i < 20; ++i) Read(table, {1, 2, 3});
  EXPECT_EQ(Guess(table, {1, 2})->steady, NextTokens::kSteadiest);
}

TEST(NextTokens, ChangesItsMindWhereItIsWrongAgainAndAgain) {
  NextTokens table(64);
  for (int i = 0; i < 8; ++i) Read(table, {1, 2, 3});
  Read(table, {1, 2, 4});
  EXPECT_EQ(Guess(table, {1, 2})->token, 3) << "once is no reason";
  for (int i = 0; i < 4; ++i) Read(table, {1, 2, 4});
  EXPECT_EQ(Guess(table, {1, 2})->token, 4);
}

TEST(NextTokens, TellsContextsOfOneEndApart) {
  NextTokens table(256);
  Read(table, {5, 6, 1, 2, 3});
  Read(table, {7, 8, 1, 2, 4});
  EXPECT_EQ(Guess(table, {5, 6, 1, 2})->token, 3);
  EXPECT_EQ(Guess(table, {7, 8, 1, 2})->token, 4);
}

// The tokens of a text that was read are found again, but for what lost its place to others.
TEST(NextTokens, RemembersMostOfALongText) {
  std::mt19937 random(3);
  std::uniform_int_distribution<std::int32_t> any(0, 30000);
  Tokens text(2000);
  for (auto& token : text) token = any(random);
  NextTokens table(1U << 13U);
  Read(table, text);
  int right = 0;
  for (std::size_t i = 8; i < text.size(); ++i) {
    const auto guess = Guess(table, Tokens(text.begin() + static_cast<std::ptrdiff_t>(i) - 8,
                                           text.begin() + static_cast<std::ptrdiff_t>(i)));
    right += guess && guess->token == text[i];
  }
  EXPECT_GT(right, 1800);
  // A small table stays a small table.
  NextTokens small(64);
  Read(small, text);
  EXPECT_TRUE(Guess(small, Tokens(text.end() - 3, text.end() - 1)));
}

}  // namespace
}  // namespace medinfer::testing
