// Guesses of prediction heads, over the pages of the model's own cells, against a plain loop over llama.cpp.
#include "engine/draft_heads.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kv/joined_cells.h"
#include "support/engine_parts.h"
#include "support/plain_heads.h"

namespace medinfer::testing {
namespace {

using Tokens = std::vector<std::int32_t>;

constexpr std::uint32_t kBatch = 64;

class DraftHeadsTest : public ::testing::TestWithParam<const char*> {
 protected:
  DraftHeadsTest()
      : file_(RandomFile(GetParam(), "--type f32")),
        parts_([this](LoadOptions& options) {
          options.model_path = file_;
          options.n_ctx = 1024;
          options.kv_page_size = 16;
        }),
        plain_(file_),
        heads_(*parts_.head(), parts_.pool(), kBatch, 1U << 20U),
        cells_(parts_.decoder(), heads_, 16) {}

  // Text that is none of another seed's.
  static Tokens Text(std::int32_t seed, std::size_t n) {
    Tokens text{1};
    while (text.size() < n) text.push_back(20 + (static_cast<std::int32_t>(text.size()) * 7 + seed * 31) % 200);
    return text;
  }

  // A sequence that has read nothing.
  SequenceId Begin(std::uint32_t cells = 0) {
    PageTable none = parts_.pool().FindPrefix({}, "");
    const SequenceId slot = parts_.pool().Acquire(none, cells, 0).value();
    cells_.Attach(slot, 0, -1);
    return slot;
  }

  // The model reads it behind `first` cells, and the head is told of it.
  void Read(SequenceId slot, std::uint32_t first, std::span<const std::int32_t> tokens) {
    const auto n = static_cast<std::uint32_t>(tokens.size());
    const std::uint32_t held = parts_.pool().table(slot).size();
    ASSERT_TRUE(first + n <= held || parts_.pool().Grow(slot, first + n - held));
    const TextSpan span{slot, static_cast<std::int32_t>(first), tokens, 1};
    ASSERT_EQ(parts_.decoder().DecodeText(std::span(&span, 1), true), DecodeOutcome::kOk);
    heads_.Note(slot, span.first_position, tokens, parts_.decoder().Hidden(0, n));
    heads_.CatchUp();
  }

  DraftHeads::Ask AskFor(SequenceId slot, const Tokens& text, std::uint32_t most) {
    const auto cells = static_cast<std::uint32_t>(text.size()) - 1;
    EXPECT_TRUE(parts_.pool().table(slot).size() > cells || heads_.Reserve(slot));
    return {slot, text.back(), cells, most};
  }

  std::vector<Tokens> Propose(const std::vector<DraftHeads::Ask>& asks) {
    std::vector<Tokens> proposed;
    for (const auto& guesses : heads_.Propose(asks, [](std::size_t, std::span<const Guess>) { return true; })) {
      Tokens tokens;
      for (const Guess& guess : guesses) {
        EXPECT_GT(guess.chance, 0);
        EXPECT_LE(guess.chance, 1);
        tokens.push_back(guess.token);
      }
      proposed.push_back(tokens);
    }
    return proposed;
  }

  // What is proposed behind a text, of which the model has read all but the last token.
  Tokens Propose(SequenceId slot, const Tokens& text, std::uint32_t most) {
    return Propose({AskFor(slot, text, most)}).front();
  }

  const std::string file_;
  EngineParts parts_;
  PlainHeads plain_;
  DraftHeads heads_;
  JoinedCells cells_;
};

INSTANTIATE_TEST_SUITE_P(Of, DraftHeadsTest, ::testing::Values("glm4moe", "hy_v3", "deepseek2"));

TEST_P(DraftHeadsTest, SaysWhatAPlainLoopSays) {
  for (const std::size_t n : {2U, 17U, 60U}) {
    const Tokens text = Text(static_cast<std::int32_t>(n), n);
    const SequenceId slot = Begin();
    Read(slot, 0, std::span(text).first(n - 1));
    EXPECT_EQ(Propose(slot, text, 6), plain_.Guess(text, 6)) << n;
  }
  EXPECT_GT(heads_.ms(), 0);
}

TEST_P(DraftHeadsTest, ReadsALongPromptInParts) {
  const Tokens text = Text(1, 3 * kBatch + 5);
  const SequenceId slot = Begin();
  for (std::uint32_t at = 0; at + 1 < text.size(); at += kBatch) {
    Read(slot, at, std::span(text).subspan(at, std::min<std::size_t>(kBatch, text.size() - 1 - at)));
  }
  EXPECT_EQ(Propose(slot, text, 4), plain_.Guess(text, 4));
}

TEST_P(DraftHeadsTest, GoesOnFromWhatWasDrawnInstead) {
  Tokens text = Text(1, 30);
  const SequenceId slot = Begin();
  Read(slot, 0, std::span(text).first(29));
  for (std::uint32_t round = 0; round < 8; ++round) {
    // Now and then nothing is asked, and answers are read as they come.
    Tokens proposed{40, 41, 42};
    if (round % 3 != 2) {
      proposed = Propose(slot, text, 5);
      EXPECT_EQ(proposed, plain_.Guess(text, 5)) << round;
    }
    // The model reads the last token and the draft, of which some is drawn, and then something else.
    const auto cells = static_cast<std::uint32_t>(text.size()) - 1;
    Tokens pass{text.back()};
    pass.insert(pass.end(), proposed.begin(), proposed.end());
    Read(slot, cells, pass);
    const std::uint32_t kept = round % static_cast<std::uint32_t>(proposed.size());
    text.insert(text.end(), proposed.begin(), proposed.begin() + kept);
    text.push_back(static_cast<std::int32_t>(30 + round));
    parts_.pool().Shrink(slot, cells + 1 + kept);
    cells_.Shrink(slot, cells + 1 + kept, static_cast<std::int32_t>(cells + kept));
  }
}

TEST_P(DraftHeadsTest, SeveralAtOnceAreAsEachByItself) {
  std::vector<DraftHeads::Ask> asks;
  std::vector<Tokens> texts;
  for (std::int32_t i = 0; i < 3; ++i) {
    texts.push_back(Text(i, 10 + 3 * static_cast<std::size_t>(i)));
    const SequenceId slot = Begin();
    Read(slot, 0, std::span(texts.back()).first(texts.back().size() - 1));
    asks.push_back(AskFor(slot, texts.back(), 3 + static_cast<std::uint32_t>(i)));
  }
  const std::vector<Tokens> proposed = Propose(asks);
  for (std::size_t i = 0; i < asks.size(); ++i) EXPECT_EQ(proposed[i], plain_.Guess(texts[i], asks[i].most));
}

TEST_P(DraftHeadsTest, AsksWhetherToGoOn) {
  const Tokens text = Text(1, 20);
  const SequenceId slot = Begin();
  Read(slot, 0, std::span(text).first(19));
  std::vector<std::size_t> lengths;
  const std::vector<DraftHeads::Ask> asks{AskFor(slot, text, 9)};
  const auto guesses = heads_.Propose(asks, [&](std::size_t, std::span<const Guess> so_far) {
    lengths.push_back(so_far.size());
    return so_far.size() < 3;
  });
  EXPECT_EQ(lengths, (std::vector<std::size_t>{1, 2, 3}));
  EXPECT_EQ(guesses.front().size(), 3U);
}

TEST_P(DraftHeadsTest, ASecondSequenceGuessesFromTheSameCells) {
  Tokens text = Text(1, 40);
  const SequenceId slot = Begin();
  Read(slot, 0, std::span(text).first(39));
  const SequenceId second = parts_.pool().Fork(slot).value();
  cells_.Attach(second, 39, 38);
  heads_.Fork(slot, second);
  Tokens other = text;
  other.back() = 77;
  EXPECT_EQ(Propose({AskFor(slot, text, 4), AskFor(second, other, 4)}),
            (std::vector<Tokens>{plain_.Guess(text, 4), plain_.Guess(other, 4)}));
}

// What is read back into other pages is what both had of it. Of the last of its cells the row is not known there.
TEST_P(DraftHeadsTest, CellsMoveWithTheModels) {
  const Tokens text = Text(1, 33);
  const SequenceId slot = Begin();
  Read(slot, 0, std::span(text).first(32));
  cells_.Settle(slot);
  const std::vector<std::uint8_t> bytes = cells_.ReadCells(parts_.pool().table(slot), 32);
  EXPECT_EQ(bytes.size(), cells_.BytesPerCell() * 32);
  const PageId second_page = parts_.pool().table(slot).Cell(16) / 16;
  const std::vector<std::uint8_t> page = cells_.ReadPage(second_page);

  const SequenceId moved = Begin(32);
  const PageTable& table = parts_.pool().table(moved);
  cells_.WriteCells(table, 0, 16, 32, bytes);
  cells_.WritePage(table.Cell(16) / 16, page);
  EXPECT_EQ(cells_.ReadCells(table, 32), bytes);

  // Both go on by a token that the model reads.
  Tokens longer = text;
  longer.push_back(55);
  cells_.Attach(moved, 31, 30);
  Read(moved, 31, std::span(text).subspan(31, 2));
  Read(slot, 32, std::span(text).subspan(32, 1));
  EXPECT_EQ(Propose(slot, longer, 3), plain_.Guess(longer, 3));
  EXPECT_EQ(Propose(moved, longer, 1).size(), 1U);
}

TEST_P(DraftHeadsTest, SaysNothingOfWhatItWasNotTold) {
  const Tokens text = Text(1, 20);
  const SequenceId slot = Begin(20);
  EXPECT_TRUE(Propose(slot, text, 3).empty());
  heads_.Note(slot, 4, std::span(text).first(1), std::vector<float>(parts_.decoder().n_hidden()));
  EXPECT_TRUE(Propose({{slot, 5, 0, 3}}).front().empty()) << "a gap before it";
}

TEST_P(DraftHeadsTest, APassThatIsGivenUpIsNoMoreThanNoGuess) {
  const Tokens text = Text(1, 40);
  const SequenceId slot = Begin();
  Read(slot, 0, std::span(text).first(39));
  const DraftHeads::Ask ask = AskFor(slot, text, 4);
  const std::uint32_t held = parts_.pool().table(slot).size();
  parts_.inbox.Close();
  EXPECT_TRUE(Propose({ask}).front().empty());
  EXPECT_EQ(parts_.pool().table(slot).size(), held);
  cells_.Settle(slot);
  cells_.Forget(slot);
}

TEST_P(DraftHeadsTest, SaysNoMoreOnceItHasFailed) {
  const Tokens text = Text(1, 40);
  const SequenceId slot = Begin();
  Read(slot, 0, std::span(text).first(39));
  DraftHeads::Ask ask = AskFor(slot, text, 4);
  ask.pending = 1 << 30;  // llama.cpp refuses it
  EXPECT_TRUE(Propose({ask}).front().empty());
  const SequenceId second = Begin();
  Read(second, 0, std::span(text).first(39));
  EXPECT_TRUE(Propose(second, text, 4).empty());
}

TEST_P(DraftHeadsTest, LeavesThePoolAsItWas) {
  const Tokens text = Text(1, 32);
  const SequenceId slot = Begin();
  Read(slot, 0, std::span(text).first(31));
  const DraftHeads::Ask ask = AskFor(slot, text, 20);
  const std::uint32_t held = parts_.pool().table(slot).size();
  const std::uint32_t free = parts_.pool().pages().free();
  EXPECT_EQ(Propose({ask}).front().size(), 20U);
  EXPECT_EQ(parts_.pool().table(slot).size(), held);
  EXPECT_EQ(parts_.pool().pages().free(), free);
}

}  // namespace
}  // namespace medinfer::testing
