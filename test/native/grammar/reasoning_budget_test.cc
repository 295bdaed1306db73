#include "grammar/reasoning_budget.h"

#include <gtest/gtest.h>
#include <llama.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "support/vocabulary_test.h"
#include "text/prompt_tokenizer.h"

namespace medinfer::testing {
namespace {

class ReasoningBudgetTest : public VocabularyTest {
 protected:
  static std::vector<std::int32_t> Tokens(const std::string& text) {
    return PromptTokenizer(vocab_).Tokenize({{text, false}}).value();
  }

  static std::unique_ptr<TokenConstraint> Make(std::uint32_t tokens, bool starts_open) {
    ReasoningBudget::Limit limit{{"(", ")", starts_open, true}, tokens, Tokens(")")};
    return std::make_unique<ReasoningBudget>(vocab_, TokenTexts(vocab_, {}), std::move(limit), nullptr);
  }

  // The tokens that may come next.
  static std::vector<std::int32_t> Allowed(TokenConstraint& constraint) {
    std::vector<llama_token_data> data;
    for (std::size_t i = 0; i < n_vocab_; ++i) data.push_back({static_cast<std::int32_t>(i), 0.0F, 0.0F});
    llama_token_data_array candidates{data.data(), data.size(), -1, false};
    constraint.Apply(candidates);
    std::vector<std::int32_t> allowed;
    for (const llama_token_data& candidate : data) {
      if (!std::isinf(candidate.logit)) allowed.push_back(candidate.id);
    }
    return allowed;
  }

  static void Say(TokenConstraint& constraint, const std::string& text) {
    for (const std::int32_t token : Tokens(text)) constraint.Accept(token);
  }
};

TEST_F(ReasoningBudgetTest, ForcesTheClosingTagAndNothingBehindIt) {
  const std::vector<std::int32_t> closing = Tokens(")");
  auto constraint = Make(2, true);
  const std::vector<std::int32_t> word = Tokens("a");
  constraint->Accept(word.back());
  EXPECT_EQ(Allowed(*constraint).size(), n_vocab_);
  constraint->Accept(word.back());
  for (const std::int32_t token : closing) {
    EXPECT_EQ(Allowed(*constraint), std::vector<std::int32_t>{token});
    // A copy goes on where it is.
    EXPECT_EQ(Allowed(*constraint->Clone()), std::vector<std::int32_t>{token});
    constraint->Accept(token);
  }
  EXPECT_EQ(Allowed(*constraint).size(), n_vocab_);
}

TEST_F(ReasoningBudgetTest, CountsNothingBeforeTheOpeningTagNorInAnAnswer) {
  auto answers = Make(0, false);
  Say(*answers, "abcabc");
  EXPECT_EQ(Allowed(*answers).size(), n_vocab_);
  auto reasons = Make(0, false);
  Say(*reasons, "(");
  EXPECT_EQ(Allowed(*reasons).size(), 1U);
}

TEST_F(ReasoningBudgetTest, LetsAModelCloseByItself) {
  auto constraint = Make(50, true);
  Say(*constraint, "ab)");
  Say(*constraint, std::string(100, 'c'));
  EXPECT_EQ(Allowed(*constraint).size(), n_vocab_);
}

}  // namespace
}  // namespace medinfer::testing
