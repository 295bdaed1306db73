#include "speculation/drafter.h"

#include <gtest/gtest.h>
#include <llama.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support/vocabulary_test.h"
#include "text/detokenizer.h"
#include "text/piece_table.h"

namespace medinfer::testing {
namespace {

using Tokens = std::vector<std::int32_t>;

class DrafterTest : public VocabularyTest {
 protected:
  static Drafter Made(const Tokens& prompt, const Tokens& expected = {}) {
    auto known = std::make_shared<Drafter::Known>(prompt.size() + expected.size());
    known->Learn(prompt);
    known->tail = {prompt.back()};
    Tokens behind = known->tail;
    behind.insert(behind.end(), expected.begin(), expected.end());
    known->Learn(behind);
    known->pieces = std::make_shared<const PieceTable>(vocab_);
    known->most = 16;
    return Drafter(std::move(known));
  }

  static void Say(Drafter& drafter, const Tokens& tokens, NextTokens* answers = nullptr) {
    for (const std::int32_t token : tokens) drafter.Accept(token, answers);
  }

  static Draft Propose(const Drafter& drafter, const std::string& forced = "", std::size_t most = 16,
                       const NextTokens* answers = nullptr) {
    const Draft draft = drafter.Propose(forced, answers, Acceptance(), most);
    EXPECT_EQ(draft.tokens.size(), draft.kinds.size());
    EXPECT_LE(draft.tokens.size(), most);
    return draft;
  }

  static std::string TextOf(const Tokens& tokens) {
    std::string text;
    for (const std::int32_t token : tokens) text += TokenPiece(vocab_, token, false);
    return text;
  }
};

TEST_F(DrafterTest, ProposesWhatFollowedInThePrompt) {
  Drafter drafter = Made({10, 11, 12, 13, 14, 15, 20, 21, 30});
  EXPECT_TRUE(Propose(drafter).tokens.empty());
  Say(drafter, {10, 11});
  EXPECT_EQ(Propose(drafter).tokens, (Tokens{12, 13, 14, 15, 20, 21, 30})) << "to its end";
  EXPECT_EQ(Propose(drafter, "", 3).tokens, (Tokens{12, 13, 14}));
  EXPECT_TRUE(Propose(drafter, "", 0).tokens.empty());
}

TEST_F(DrafterTest, ProposesWhatTheAnswerHasSaid) {
  Drafter drafter = Made({40});
  Say(drafter, {1, 2, 3, 4, 5, 1, 2});
  const Draft draft = Propose(drafter, "", 5);
  EXPECT_EQ(draft.tokens, (Tokens{3, 4, 5, 1, 2})) << "round and round";
}

TEST_F(DrafterTest, AnExpectedTextBeginsBehindThePrompt) {
  Drafter drafter = Made({10, 11, 12}, {50, 51, 52, 53});
  Say(drafter, {50});
  EXPECT_EQ(Propose(drafter).tokens, (Tokens{51, 52, 53}));
}

TEST_F(DrafterTest, LearnsFromOtherAnswers) {
  NextTokens answers(256);
  Drafter first = Made({40});
  Say(first, {1, 2, 3, 4, 5}, &answers);
  Drafter second = Made({41});
  Say(second, {1, 2}, &answers);
  EXPECT_EQ(Propose(second, "", 16, &answers).tokens, (Tokens{3, 4, 5}));
  EXPECT_TRUE(Propose(second).tokens.empty());
}

TEST_F(DrafterTest, WritesAForcedText) {
  Drafter drafter = Made({40});
  EXPECT_EQ(TextOf(Propose(drafter, "the dose").tokens), "the dose");
  EXPECT_EQ(Propose(drafter, "the dose", 1).tokens.size(), 1U);
}

TEST_F(DrafterTest, ProposesNothingThatContradictsAForcedText) {
  const PieceTable pieces(vocab_);
  const Tokens said = *pieces.Segment("the dose is");
  Tokens prompt{40, 41};
  prompt.insert(prompt.end(), said.begin(), said.end());
  Drafter drafter = Made(prompt);
  Say(drafter, {40, 41});
  // Agreeing, it goes on behind what is forced.
  EXPECT_TRUE(TextOf(Propose(drafter, "the do").tokens).starts_with("the dose is"));
  EXPECT_EQ(TextOf(Propose(drafter, "other").tokens), "other");
}

TEST_F(DrafterTest, TextsAgreeWhereOneBeginsWithTheOther) {
  const PieceTable pieces(vocab_);
  const Tokens said = *pieces.Segment("the dose is");
  EXPECT_TRUE(pieces.Agrees(said, "the"));
  EXPECT_TRUE(pieces.Agrees(said, "the dose is high"));
  EXPECT_FALSE(pieces.Agrees(said, "they"));
  EXPECT_TRUE(pieces.Agrees({}, "the"));
  EXPECT_EQ(pieces.First(""), std::nullopt);
}

}  // namespace
}  // namespace medinfer::testing
