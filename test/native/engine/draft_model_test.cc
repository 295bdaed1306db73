#include "engine/draft_model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <span>
#include <vector>

#include "support/engine_parts.h"
#include "support/plain_loop.h"

namespace medinfer::testing {
namespace {

using Tokens = std::vector<std::int32_t>;

constexpr std::uint32_t kBatch = 64;

class DraftModelTest : public ::testing::Test {
 protected:
  explicit DraftModelTest(std::uint32_t ids = 3, std::uint32_t cells = 1024)
      : parts_([=](LoadOptions& options) {
          options.draft_path = RandomModel();
          options.batch_size = ids;
          options.n_ctx = cells;
        }),
        model_(parts_.draft(), kBatch, 1U << 20U),
        plain_(RandomModel()) {}

  // Text that is none of another seed's.
  static Tokens Text(std::int32_t seed, std::size_t n) {
    Tokens text{1};
    while (text.size() < n) text.push_back(20 + (static_cast<std::int32_t>(text.size()) * 7 + seed * 31) % 200);
    return text;
  }

  static Tokens TokensOf(const std::vector<Guess>& guesses) {
    Tokens tokens;
    for (const Guess& guess : guesses) {
      EXPECT_GT(guess.chance, 0);
      EXPECT_LE(guess.chance, 1);
      tokens.push_back(guess.token);
    }
    return tokens;
  }

  std::vector<Tokens> Propose(const std::vector<DraftModel::Ask>& asks) {
    std::vector<Tokens> proposed;
    for (const auto& guesses : model_.Propose(asks, [](std::size_t, std::span<const Guess>) { return true; })) {
      proposed.push_back(TokensOf(guesses));
    }
    return proposed;
  }

  Tokens Greedy(const Tokens& text, int n) const {
    PreparedPrompt prompt;
    prompt.n_tokens = static_cast<std::uint32_t>(text.size());
    prompt.chunks.emplace_back(TextChunk(text));
    return plain_.Greedy(prompt, n);
  }

  EngineParts parts_;
  DraftModel model_;
  PlainLoop plain_;
};

TEST_F(DraftModelTest, SaysWhatAPlainLoopOfItDraws) {
  const Tokens text = Text(1, 40);
  EXPECT_EQ(Propose({{1, text, "", 6}}).front(), Greedy(text, 6));
  EXPECT_GT(model_.ms(), 0);
}

TEST_F(DraftModelTest, GoesOnFromWhatWasDrawnInstead) {
  Tokens text = Text(1, 30);
  for (int round = 0; round < 6; ++round) {
    const Tokens proposed = Propose({{1, text, "", 5}}).front();
    EXPECT_EQ(proposed, Greedy(text, 5));
    // Some of it is drawn, and then something else.
    text.insert(text.end(), proposed.begin(), proposed.begin() + round % 5);
    text.push_back(30 + round);
  }
}

TEST_F(DraftModelTest, SeveralAtOnceAreAsEachByItself) {
  std::vector<DraftModel::Ask> asks;
  for (std::int32_t i = 0; i < 3; ++i) {
    asks.push_back({static_cast<RequestId>(i), Text(i, 10 + 3 * static_cast<std::size_t>(i)), "",
                    3 + static_cast<std::uint32_t>(i)});
  }
  const std::vector<Tokens> proposed = Propose(asks);
  for (std::size_t i = 0; i < asks.size(); ++i) {
    EXPECT_EQ(proposed[i], Greedy(asks[i].tokens, static_cast<int>(asks[i].most)));
  }
}

TEST_F(DraftModelTest, AsksWhetherToGoOn) {
  const Tokens text = Text(1, 20);
  std::vector<std::size_t> lengths;
  const std::vector<DraftModel::Ask> asks{{1, text, "", 9}};
  const auto guesses = model_.Propose(asks, [&](std::size_t, std::span<const Guess> so_far) {
    lengths.push_back(so_far.size());
    return so_far.size() < 3;
  });
  EXPECT_EQ(lengths, (std::vector<std::size_t>{1, 2, 3}));
  EXPECT_EQ(TokensOf(guesses.front()), Greedy(text, 3));
}

TEST_F(DraftModelTest, ReadsALongTextOverSeveralCalls) {
  const Tokens text = Text(1, 3 * kBatch + 5);
  for (int call = 0; call < 3; ++call) EXPECT_TRUE(Propose({{1, text, "", 2}}).front().empty());
  EXPECT_EQ(Propose({{1, text, "", 2}}).front(), Greedy(text, 2));
}

TEST_F(DraftModelTest, ForgetsWhatWasAskedForLeastRecently) {
  for (RequestId id = 1; id <= 10; ++id) {
    const Tokens text = Text(static_cast<std::int32_t>(id), 25);
    EXPECT_EQ(Propose({{id, text, "", 2}}).front(), Greedy(text, 2));
  }
  const Tokens again = Text(1, 25);
  EXPECT_EQ(Propose({{1, again, "", 2}}).front(), Greedy(again, 2));
  // More at once than it has ids for: the rest have none.
  std::vector<DraftModel::Ask> asks;
  for (RequestId id = 20; id < 25; ++id) asks.push_back({id, Text(static_cast<std::int32_t>(id), 8), "", 2});
  const std::vector<Tokens> proposed = Propose(asks);
  EXPECT_EQ(std::ranges::count_if(proposed, [](const Tokens& each) { return !each.empty(); }), 3);
}

class SmallDraftModelTest : public DraftModelTest {
 protected:
  SmallDraftModelTest() : DraftModelTest(3, 64) {}
};

TEST_F(SmallDraftModelTest, SaysNothingOfATextThatItHasNoRoomFor) {
  EXPECT_TRUE(Propose({{1, Text(1, 63), "", 4}}).front().empty());
  const Tokens text = Text(2, 40);
  EXPECT_EQ(Propose({{2, text, "", 4}}).front(), Greedy(text, 4));
  // Another takes its room.
  const Tokens other = Text(3, 45);
  EXPECT_EQ(Propose({{3, other, "", 4}}).front(), Greedy(other, 4));
  EXPECT_EQ(Propose({{2, text, "", 4}}).front(), Greedy(text, 4));
}

}  // namespace
}  // namespace medinfer::testing
