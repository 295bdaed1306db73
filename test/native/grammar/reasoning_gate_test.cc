#include "grammar/reasoning_gate.h"

#include <gtest/gtest.h>
#include <llama.h>

#include <cmath>
#include <memory>
#include <random>
#include <regex>
#include <string>
#include <vector>

#include "medinfer/json_schema.h"
#include "sampling/sampler_chain.h"
#include "support/vocabulary_test.h"
#include "text/detokenizer.h"

namespace medinfer::testing {
namespace {

using Phase = TagTracker::Phase;

struct Tracked {
  Phase phase;
  std::string rest;

  bool operator==(const Tracked&) const = default;
};

Tracked Track(const ReasoningTags& tags, const std::vector<std::string>& pieces) {
  const TagPatterns patterns(tags);
  TagTracker tracker(patterns);
  std::string rest;
  for (const std::string& piece : pieces) {
    if (tracker.phase() == Phase::kBehind || tracker.phase() == Phase::kDirect) {
      rest += piece;
    } else {
      rest += tracker.Push(piece);
    }
  }
  return {tracker.phase(), rest};
}

TEST(TagTracker, KnowsWhereTheAnswerBegins) {
  const ReasoningTags tags{"<think>", "</think>", false, false};
  EXPECT_EQ(Track(tags, {"<thi"}), (Tracked{Phase::kBefore, ""}));
  EXPECT_EQ(Track(tags, {"<thi", "nk>so"}), (Tracked{Phase::kInside, ""}));
  EXPECT_EQ(Track(tags, {"<think>so</thi", "nk>{\"a\""}), (Tracked{Phase::kBehind, "{\"a\""}));
  EXPECT_EQ(Track(tags, {"<think></think>"}), (Tracked{Phase::kBehind, ""}));
  EXPECT_EQ(Track(tags, {"<this"}).phase, Phase::kDirect);
  EXPECT_EQ(Track(tags, {" <think>"}).phase, Phase::kDirect);
  const ReasoningTags open{"<think>", "</think>", true, false};
  EXPECT_EQ(Track(open, {"<think>a</think>b"}), (Tracked{Phase::kBehind, "b"}));
}

TEST(TagTracker, SkipsAFewBlanksBeforeTheTagWhereTheyMayStand) {
  const ReasoningTags tags{"<t>", "</t>", false, true};
  EXPECT_EQ(Track(tags, {" \n", "<t>"}).phase, Phase::kInside);
  EXPECT_EQ(Track(tags, {std::string(kMaxBlanks, '\n') + "<t>"}).phase, Phase::kInside);
  EXPECT_EQ(Track(tags, {std::string(kMaxBlanks + 1, '\n')}).phase, Phase::kDirect);
  EXPECT_EQ(Track(tags, {"< t>"}).phase, Phase::kDirect);
  EXPECT_EQ(Track({"\n<t>", "</t>", false, true}, {"\n<t>"}).phase, Phase::kInside);
}

// The closing tag is the first that a search of the whole text finds, wherever the text is cut.
TEST(TagTracker, FindsTheFirstClosingTagHoweverTheTextIsCut) {
  std::mt19937 random(1);
  const auto pick = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); };
  const auto word = [&](int low, int high) {
    std::string text;
    for (int n = pick(low, high); n > 0; --n) text += "ab<"[pick(0, 2)];
    return text;
  };
  int found = 0;
  for (int round = 0; round < 20000; ++round) {
    const std::string close = word(1, 5);
    const std::string text = word(0, 16);
    std::vector<std::string> pieces;
    for (std::size_t at = 0; at < text.size();) {
      const auto size = static_cast<std::size_t>(pick(1, 5));
      pieces.push_back(text.substr(at, size));
      at += size;
    }
    const std::size_t at = text.find(close);
    const Tracked expected =
        at == std::string::npos ? Tracked{Phase::kInside, ""} : Tracked{Phase::kBehind, text.substr(at + close.size())};
    ASSERT_EQ(Track({"x", close, true, false}, pieces), expected) << close << " in " << text;
    if (at != std::string::npos) ++found;
  }
  EXPECT_GT(found, 4000);
}

class ReasoningGateTest : public VocabularyTest {
 protected:
  static std::unique_ptr<TokenConstraint> Gate(const ReasoningTags& tags, const std::string& grammar) {
    auto made = GrammarConstraint::Create(vocab_, grammar, tags.blanks ? kMaxBlanks : 0);
    EXPECT_TRUE(made.ok());
    return std::make_unique<ReasoningGate>(vocab_, TokenTexts(vocab_, {tags.open, tags.close}), tags,
                                           std::move(made.value()));
  }

  static std::int32_t Token(const std::string& text) {
    for (std::int32_t token = 0; token < static_cast<std::int32_t>(n_vocab_); ++token) {
      if (TokenPiece(vocab_, token, true) == text) return token;
    }
    ADD_FAILURE() << "no token " << text;
    return 0;
  }

  static bool Allows(TokenConstraint& gate, std::int32_t token) {
    llama_token_data one{token, 1, 0};
    llama_token_data_array array{&one, 1, -1, false};
    gate.Apply(array);
    return one.logit > -INFINITY;
  }

  // What random logits say, with the tags likely. Ends where the text is complete, or after so many tokens.
  static std::string Drawn(const ReasoningTags& tags, const std::string& grammar, unsigned seed, int most) {
    const auto gate = Gate(tags, grammar);
    const TokenTexts texts(vocab_, {tags.open, tags.close});
    SamplingParams params;
    params.temperature = seed % 2 == 0 ? 0.0F : 1.0F;
    params.seed = seed;
    SamplerChain chain(params, ResolveTokens(vocab_, params, /*ignore_eos=*/false, /*context=*/100), gate.get());
    std::mt19937 random(seed);
    std::normal_distribution<float> normal(0, 3);
    std::string text;
    for (int step = 0; step < most && !gate->ended(); ++step) {
      std::vector<float> logits(n_vocab_);
      for (float& logit : logits) logit = normal(random);
      // Characters of the tags, or the tags as tokens; and the end of the turn, which must not come inside.
      for (std::size_t token = 0; token < n_vocab_; ++token) {
        const std::string piece = TokenPiece(vocab_, static_cast<std::int32_t>(token), true);
        if (!piece.empty() && (tags.open + tags.close).find(piece) != std::string::npos) logits[token] += 4;
      }
      logits[static_cast<std::size_t>(llama_vocab_eos(vocab_))] += 4;
      const std::int32_t token = chain.Draw(logits);
      EXPECT_GE(token, 0) << "nothing may follow " << text;
      if (token < 0 || llama_vocab_is_eog(vocab_, token)) break;
      text += gate->Writes(token) ? texts.Written(token) : texts.Of(token);
    }
    EXPECT_TRUE(gate->ended() || most < 400) << text;
    return text;
  }
};

TEST_F(ReasoningGateTest, LetsTheAnswerAloneFollowTheGrammar) {
  const std::regex yes_or_no("yes|no");
  const std::string grammar = "root ::= \"yes\" | \"no\"";
  const std::vector<std::pair<std::string, std::string>> pairs{
      {"<", ">"}, {"|", "|"}, {"<|vision_start|>", "<|vision_end|>"}, {"y", "es"}, {"<start_of_image>", "n"}};
  int reasoned = 0;
  int direct = 0;
  for (const auto& [open, close] : pairs) {
    for (const bool starts_open : {false, true}) {
      for (unsigned seed = 0; seed < 40; ++seed) {
        const std::string text = Drawn({open, close, starts_open, false}, grammar, seed, 4000);
        std::string answer = text;
        if (starts_open || text.starts_with(open)) {
          const std::size_t at = text.find(close, starts_open ? 0 : open.size());
          ASSERT_NE(at, std::string::npos) << text;
          answer = text.substr(at + close.size());
          ++reasoned;
        } else {
          ++direct;
        }
        EXPECT_TRUE(std::regex_match(answer, yes_or_no)) << open << close << " said: " << text;
      }
    }
  }
  EXPECT_GT(reasoned, 200);
  EXPECT_GT(direct, 10);
}

TEST_F(ReasoningGateTest, LetsJsonFollowWithAFewBlanksBeforeIt) {
  const auto grammar = JsonSchemaToGrammar(R"({"enum":["a","b"]})");
  ASSERT_TRUE(grammar.ok());
  const auto without_blanks = [](const std::string& text) {
    const std::size_t begin = text.find_first_not_of(" \t\r\n");
    return begin == std::string::npos ? std::string()
                                      : text.substr(begin, text.find_last_not_of(" \t\r\n") + 1 - begin);
  };
  int reasoned = 0;
  for (unsigned seed = 0; seed < 100; ++seed) {
    const std::string text = Drawn({"<", ">", false, true}, grammar.value(), seed, 4000);
    std::string answer = text;
    EXPECT_LE(answer.find_first_not_of(" \t\r\n"), kMaxBlanks) << text;
    if (without_blanks(text).starts_with("<")) {
      const std::size_t at = text.find('>', text.find('<') + 1);
      ASSERT_NE(at, std::string::npos) << text;
      answer = text.substr(at + 1);
      ++reasoned;
    }
    EXPECT_LE(answer.find_first_not_of(" \t\r\n"), kMaxBlanks) << text;
    const std::string value = without_blanks(answer);
    EXPECT_TRUE(value == "\"a\"" || value == "\"b\"") << text;
  }
  EXPECT_GT(reasoned, 10);
}

TEST_F(ReasoningGateTest, CountsAControlTokenAsATagByItself) {
  const std::int32_t open = Token("<|vision_start|>");
  const std::int32_t close = Token("<|vision_end|>");
  const std::int32_t other = Token("<start_of_image>");
  const auto gate = Gate({"<|vision_start|>", "<|vision_end|>", false, false}, "root ::= \"yes\"");
  EXPECT_TRUE(Allows(*gate, open));
  EXPECT_FALSE(Allows(*gate, close));
  EXPECT_FALSE(Allows(*gate, other));
  EXPECT_TRUE(Allows(*gate, Token("y")));
  EXPECT_FALSE(Allows(*gate, Token("n")));
  gate->Accept(open);
  EXPECT_TRUE(Allows(*gate, other));
  EXPECT_TRUE(Allows(*gate, Token("n")));
  EXPECT_FALSE(Allows(*gate, llama_vocab_eos(vocab_)));
  gate->Accept(Token("n"));
  const auto twin = gate->Clone();
  gate->Accept(close);
  EXPECT_FALSE(Allows(*gate, open));
  EXPECT_FALSE(Allows(*gate, Token("n")));
  EXPECT_TRUE(Allows(*twin, Token("n")));
  for (const char* piece : {"y", "e", "s"}) {
    EXPECT_FALSE(gate->ended());
    ASSERT_TRUE(Allows(*gate, Token(piece)));
    gate->Accept(Token(piece));
  }
  EXPECT_TRUE(gate->ended());
  EXPECT_FALSE(twin->ended());
}

TEST_F(ReasoningGateTest, TakesATokenThatEndsTheTagAndBeginsTheAnswerWhereTheGrammarTakesIt) {
  // " bab" ends the tag " b" and begins the answer with "ab".
  const std::int32_t bab = Token(" bab");
  const auto good = Gate({"x", " b", true, false}, "root ::= \"ab\" \"e\"");
  ASSERT_TRUE(Allows(*good, bab));
  good->Accept(bab);
  EXPECT_FALSE(Allows(*good, Token("a")));
  ASSERT_TRUE(Allows(*good, Token("e")));
  good->Accept(Token("e"));
  EXPECT_TRUE(good->ended());
  const auto bad = Gate({"x", " b", true, false}, "root ::= \"it\"");
  EXPECT_FALSE(Allows(*bad, bab));
  EXPECT_TRUE(Allows(*bad, Token(" b")));
}

TEST_F(ReasoningGateTest, KeepsOutControlTokensThatNobodyNames) {
  const std::int32_t image = Token("<start_of_image>");
  const std::int32_t other = Token("<end_of_image>");
  const auto open = GrammarConstraint::Create(vocab_, "root ::= [^x]* \"x\"");
  ASSERT_TRUE(open.ok());
  EXPECT_FALSE(Allows(*open.value(), image));
  EXPECT_FALSE(open.value()->Writes(image));
  // A literal that spells a token is the token, or its characters.
  const auto literal = GrammarConstraint::Create(vocab_, "root ::= \"a<start_of_image>\" [^x]* \"x\"");
  ASSERT_TRUE(literal.ok());
  GrammarConstraint& written = *literal.value();
  EXPECT_TRUE(written.Writes(image));
  EXPECT_FALSE(written.Writes(other));
  written.Accept(Token("a"));
  EXPECT_TRUE(Allows(written, image));
  EXPECT_TRUE(Allows(written, Token("<")));
  EXPECT_FALSE(Allows(written, other));
  written.Accept(image);
  EXPECT_TRUE(Allows(written, Token("b")));
  // One that is named as a token counts where it is named, and in no class of characters.
  const auto named = GrammarConstraint::Create(vocab_, "root ::= <end_of_image> [^x]* \"x\"");
  ASSERT_TRUE(named.ok());
  EXPECT_TRUE(Allows(*named.value(), other));
  EXPECT_FALSE(named.value()->Writes(other));
  named.value()->Accept(other);
  EXPECT_FALSE(Allows(*named.value(), other));
  EXPECT_FALSE(Allows(*named.value(), image));
  EXPECT_TRUE(Allows(*named.value(), Token("b")));
}

}  // namespace
}  // namespace medinfer::testing
