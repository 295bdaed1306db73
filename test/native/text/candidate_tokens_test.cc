// Candidates are what the tokenizer makes of the prompt with each of them, no more and no less.
#include "text/candidate_tokens.h"

#include <random>
#include <string>
#include <vector>

#include "support/encode_jobs.h"
#include "support/vocabulary_test.h"
#include "text/prompt_parts.h"
#include "text/prompt_tokenizer.h"

namespace medinfer::testing {
namespace {

using CandidateTokensTest = VocabularyTest;
using Tokens = std::vector<std::int32_t>;

Tokens Joined(const std::vector<PromptPart>& prompt, const Tokens& tail) {
  Tokens joined = prompt.empty() ? Tokens() : prompt.back().tokens;
  joined.insert(joined.end(), tail.begin(), tail.end());
  return joined;
}

TEST_F(CandidateTokensTest, AreThePromptWithEachReadAsOneText) {
  const PromptTokenizer tokenizer(vocab_);
  const std::vector<std::string> pieces = {"the", " the", " ",    "a",      "dose", "\n", "  ",
                                           "is",  " is",  "</s>", "\u00fc", "1",    ","};
  std::mt19937 random(5);
  const auto text = [&](int least) {
    std::string made;
    for (int n = least + static_cast<int>(random() % 6); n > 0; --n) made += pieces[random() % pieces.size()];
    return made;
  };
  std::size_t joins = 0;
  for (int round = 0; round < 500; ++round) {
    const std::vector<PromptPart> prompt = {Text(text(1)), Text(text(0), false)};
    std::vector<Candidate> candidates;
    for (int n = 1 + static_cast<int>(random() % 5); n > 0; --n) candidates.push_back({text(1)});
    const bool bos = random() % 2 == 0;
    const auto made = TokenizeCandidates(tokenizer, prompt, bos, candidates);
    if (!made.ok()) continue;
    ASSERT_EQ(made.value().tails.size(), candidates.size());
    const auto alone = TokenizeParts(tokenizer, prompt, bos);
    const Tokens common = Joined(made.value().prompt, {});
    ASSERT_LE(common.size(), alone.value().back().tokens.size());
    if (common.size() < alone.value().back().tokens.size()) ++joins;
    bool more = common.size() < alone.value().back().tokens.size();
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      const Tokens& tail = made.value().tails[i];
      ASSERT_FALSE(tail.empty());
      auto whole = prompt;
      whole.push_back(Text(candidates[i].text, false));
      EXPECT_EQ(Joined(made.value().prompt, tail), TokenizeParts(tokenizer, whole, bos).value().back().tokens);
      more = more && tail.front() == alone.value().back().tokens[common.size()];
    }
    EXPECT_FALSE(more) << "a token that all have in common is not in the prompt";
  }
  EXPECT_GT(joins, 10U) << "no candidate joined the prompt's end";
}

TEST_F(CandidateTokensTest, TokensStandBehindThePromptAsTheyAre) {
  const PromptTokenizer tokenizer(vocab_);
  const std::vector<PromptPart> prompt = {Text("the dose is")};
  const auto made = TokenizeCandidates(tokenizer, prompt, true, {{"", {5, 6}}, {"", {7}}});
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(made.value().prompt.back().tokens, TokenizeParts(tokenizer, prompt, true).value().back().tokens);
  EXPECT_EQ(made.value().tails, (std::vector<Tokens>{{5, 6}, {7}}));
}

TEST_F(CandidateTokensTest, BehindAnImageTheyAreATextOfTheirOwn) {
  const PromptTokenizer tokenizer(vocab_);
  const ImageFile image = ImageData::Copy(std::vector<std::uint8_t>(3));
  std::vector<PromptPart> prompt = {Text("the"), {"", true, image}};
  const auto made = TokenizeCandidates(tokenizer, prompt, true, {{"the"}, {" dose"}});
  ASSERT_TRUE(made.ok());
  ASSERT_EQ(made.value().prompt.size(), 2U);
  EXPECT_EQ(made.value().prompt.back().image, image);
  EXPECT_EQ(made.value().tails[0], tokenizer.Tokenize({{"the", false}}).value());
  EXPECT_EQ(made.value().tails[1], tokenizer.Tokenize({{" dose", false}}).value());
}

TEST_F(CandidateTokensTest, WithoutThemThePromptIsTheWholePrompt) {
  const PromptTokenizer tokenizer(vocab_);
  for (const std::string text : {"the dose", "", " "}) {
    const std::vector<PromptPart> prompt = {Text(text)};
    const auto made = TokenizeCandidates(tokenizer, prompt, true, {});
    const auto alone = TokenizeParts(tokenizer, prompt, true);
    ASSERT_TRUE(made.ok());
    ASSERT_EQ(made.value().prompt.size(), alone.value().size());
    EXPECT_EQ(Joined(made.value().prompt, {}), Joined(alone.value(), {}));
  }
}

TEST_F(CandidateTokensTest, NeedSomethingInCommonToFollow) {
  const PromptTokenizer tokenizer(vocab_);
  // Without BOS, a single token that the candidate's beginning is joined to.
  for (const std::string whole : {"the", "dose", "patient"}) {
    if (tokenizer.Tokenize({{whole, false}}).value().size() != 1) continue;
    const std::vector<PromptPart> prompt = {Text(whole.substr(0, 1))};
    const auto made = TokenizeCandidates(tokenizer, prompt, false, {{whole.substr(1)}});
    ASSERT_FALSE(made.ok());
    EXPECT_EQ(made.status().code(), Code::kInvalidArgument);
  }
}

}  // namespace
}  // namespace medinfer::testing
