#include "grammar/grammar_memo.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "support/vocabulary_test.h"

namespace medinfer::testing {
namespace {

class GrammarMemoTest : public VocabularyTest {
 protected:
  std::unique_ptr<GrammarConstraint> Read(const std::string& grammar, std::uint32_t blanks = 0,
                                          std::optional<char> filler = std::nullopt) {
    auto read = memo_.Read(grammar, blanks, filler);
    EXPECT_TRUE(read.ok());
    return std::move(read.value());
  }

  GrammarMemo memo_{vocab_};
};

TEST_F(GrammarMemoTest, GivesEachOneItsOwn) {
  const std::string grammar = "root ::= \"ab\" | \"cd\"";
  const auto first = Read(grammar);
  first->Append("a");
  const auto second = Read(grammar);
  EXPECT_EQ(memo_.size(), 1U);
  EXPECT_TRUE(first->Admits("b"));
  EXPECT_FALSE(first->Admits("cd"));
  EXPECT_TRUE(second->Admits("ab"));
  second->Append("cd");
  EXPECT_TRUE(second->ended());
  EXPECT_FALSE(first->ended());
  EXPECT_TRUE(Read(grammar)->Admits("cd"));
}

TEST_F(GrammarMemoTest, TellsApartWhatIsAskedOfAGrammar) {
  const std::string grammar = "root ::= \"a\" [b-d]*";
  EXPECT_FALSE(Read(grammar)->Admits(" a"));
  EXPECT_TRUE(Read(grammar, 2)->Admits(" a"));
  EXPECT_EQ(Read(grammar)->Closing(), std::nullopt);
  EXPECT_EQ(Read(grammar, 0, 'x')->Closing(), "a");
  EXPECT_EQ(memo_.size(), 3U);
}

TEST_F(GrammarMemoTest, KeepsNeitherManyNorLongOnesNorWrongOnes) {
  for (std::size_t i = 0; i < 2 * GrammarMemo::kMostGrammars; ++i) Read("root ::= \"" + std::to_string(i) + "\"");
  EXPECT_EQ(memo_.size(), GrammarMemo::kMostGrammars);
  EXPECT_TRUE(Read("root ::= \"0\"")->Admits("0"));
  GrammarMemo other(vocab_);
  EXPECT_TRUE(other.Read("root ::= \"" + std::string(GrammarMemo::kLongest, 'a') + "\"", 0, std::nullopt).ok());
  EXPECT_FALSE(other.Read("root ::= nothing", 0, std::nullopt).ok());
  EXPECT_EQ(other.size(), 0U);
}

}  // namespace
}  // namespace medinfer::testing
