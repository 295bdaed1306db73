#include "grammar/grammar.h"

#include <gtest/gtest.h>
#include <llama.h>

#include <memory>
#include <random>
#include <regex>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "medinfer/json_schema.h"
#include "sampling/sampler_chain.h"
#include "support/vocabulary_test.h"
#include "text/detokenizer.h"

namespace medinfer::testing {
namespace {

class GrammarTest : public VocabularyTest {
 protected:
  // What random logits draw along a grammar.
  static std::string Drawn(const std::string& grammar, unsigned seed, float temperature) {
    auto constraint = GrammarConstraint::Create(vocab_, grammar);
    EXPECT_TRUE(constraint.ok());
    SamplingParams params;
    params.temperature = temperature;
    params.seed = seed;
    SamplerChain chain(params, ResolveTokens(vocab_, params, /*ignore_eos=*/false, /*context=*/100),
                       constraint.value().get());
    std::mt19937 random(seed);
    std::normal_distribution<float> normal(0, 3);
    std::string text;
    for (int step = 0; step < 500; ++step) {
      std::vector<float> logits(n_vocab_);
      for (float& logit : logits) logit = normal(random);
      const std::int32_t token = chain.Draw(logits);
      if (token < 0 || llama_vocab_is_eog(vocab_, token)) break;
      text += TokenPiece(vocab_, token, false);
      if (constraint.value()->ended()) break;
    }
    return text;
  }
};

TEST_F(GrammarTest, IsFollowedWhateverTheLogitsSay) {
  const std::regex list("[0-9]{1,3}(,[0-9]{1,3}){2}");
  for (unsigned seed = 0; seed < 50; ++seed) {
    const float temperature = seed % 2 == 0 ? 0.0F : 1.0F;
    const std::string text = Drawn("root ::= item (\",\" item){2}\nitem ::= [0-9]{1,3}", seed, temperature);
    EXPECT_TRUE(std::regex_match(text, list)) << text;
  }
}

TEST_F(GrammarTest, FollowsASchema) {
  const auto grammar = JsonSchemaToGrammar(R"({"properties":{"a":{"minimum":-3,"maximum":2.5,"type":"number"},)"
                                           R"("b":{"maxLength":3,"type":"string"}},"required":["a"]})");
  ASSERT_TRUE(grammar.ok());
  for (unsigned seed = 0; seed < 10; ++seed) {
    const std::string text = Drawn(grammar.value(), seed, 1);
    EXPECT_EQ(text.substr(0, 1), "{");
    EXPECT_EQ(text.back(), '}');
  }
}

// llama.cpp would abort on the first, and throw on the second.
TEST_F(GrammarTest, SurvivesTokensThatTheGrammarForbids) {
  auto made = GrammarConstraint::Create(vocab_, "root ::= \"yes\"");
  ASSERT_TRUE(made.ok());
  GrammarConstraint& constraint = *made.value();
  constraint.Accept(llama_vocab_eos(vocab_));
  EXPECT_FALSE(constraint.ended());
  constraint.Accept(llama_vocab_nl(vocab_));
  EXPECT_FALSE(constraint.ended());
  std::vector<llama_token_data> candidates;
  for (std::int32_t id = 0; id < llama_vocab_n_tokens(vocab_); ++id) candidates.push_back({id, 0, 0});
  llama_token_data_array array{candidates.data(), candidates.size(), -1, false};
  constraint.Apply(array);
  for (const llama_token_data& candidate : candidates) EXPECT_EQ(candidate.logit, -INFINITY);
}

TEST_F(GrammarTest, RefusesRequestsWithBadGrammars) {
  const Loaded loaded = LoadEngine(RandomModel());
  Request request = GreedyRequest("bat", 10);
  request.grammar = "root ::= root";
  const auto refused = loaded.engine->Submit(request);
  ASSERT_TRUE(refused.ok());
  EXPECT_EQ(loaded.recorder->Wait(refused.value()).code(), Code::kInvalidArgument);
  request.grammar = "root ::= \"yes\"";
  const auto id = loaded.engine->Submit(request);
  ASSERT_TRUE(id.ok());
  const Seen seen = loaded.recorder->Wait(id.value());
  ASSERT_TRUE(seen.done());
  EXPECT_EQ(seen.text, "yes");
  EXPECT_EQ(seen.reason(), FinishReason::kEos);
}

TEST_F(GrammarTest, RefusesWhatIsNotUtf8) {
  for (const char* bytes : {"root ::= \"\xFF\"", "root ::= \"a\xC3", "root ::= \"\xC0\x80\""}) {
    const auto made = GrammarConstraint::Create(vocab_, bytes);
    ASSERT_FALSE(made.ok());
    EXPECT_EQ(made.status().message(), "grammar: must be UTF-8");
  }
}

// Each way through nested repetitions is followed once, however many there are: 2^9 here for every character, and 729.
TEST_F(GrammarTest, FollowsAmbiguousGrammarsInAllWaysAtOnce) {
  for (const char* grammar :
       {"root ::= ((((((((([a-z ]+)+)+)+)+)+)+)+)+)+ \".\"", "root ::= ((.{0,9}){0,9}){0,9} \".\""}) {
    auto made = GrammarConstraint::Create(vocab_, grammar);
    ASSERT_TRUE(made.ok());
    GrammarConstraint& constraint = *made.value();
    EXPECT_TRUE(constraint.Admits("takes it twice a day"));
    constraint.Append("takes it");
    EXPECT_TRUE(constraint.Admits(" twice"));
    EXPECT_FALSE(constraint.lost());
  }
}

TEST_F(GrammarTest, KnowsTheTextThatHasToCome) {
  const auto forced = [&](const std::string& grammar, const std::string& said, std::size_t most = 100) {
    auto made = GrammarConstraint::Create(vocab_, grammar);
    EXPECT_TRUE(made.ok());
    made.value()->Append(said);
    const std::string text = made.value()->Forced(most);
    // It stands where it stood.
    EXPECT_EQ(made.value()->Forced(most), text);
    EXPECT_TRUE(made.value()->Admits(text));
    return text;
  };
  const std::string dose = R"(root ::= "{\"dose\":" [0-9]+ ",\"größe\":" ("1" | "12" | "2") "}")";
  EXPECT_EQ(forced(dose, ""), "{\"dose\":");
  EXPECT_EQ(forced(dose, "{\"do"), "se\":");
  EXPECT_EQ(forced(dose, "{\"dose\":"), "");
  EXPECT_EQ(forced(dose, "{\"dose\":5"), "") << "a digit may follow";
  EXPECT_EQ(forced(dose, "{\"dose\":5,"), "\"größe\":");
  EXPECT_EQ(forced(dose, "{\"dose\":5,", 4), "\"grö") << "whole characters";
  EXPECT_EQ(forced(dose, "{\"dose\":5,\"größe\":2"), "}");
  EXPECT_EQ(forced(dose, "{\"dose\":5,\"größe\":1"), "") << "of two ways on";
  EXPECT_EQ(forced(dose, "{\"dose\":5,\"größe\":12}"), "") << "nothing";
  // Both ways go on alike, as far as they do.
  EXPECT_EQ(forced(R"(root ::= "mild pain" | "mild pallor")", ""), "mild pa");
  EXPECT_EQ(forced(R"(root ::= "a" "b"?)", ""), "a");
  EXPECT_EQ(forced(R"(root ::= [a] [b-b] .)", ""), "a") << "a range is not looked into";
}

// Whatever is drawn begins with what was forced.
TEST_F(GrammarTest, DrawsNothingElseThanWhatHasToCome) {
  const auto grammar = JsonSchemaToGrammar(R"({"properties":{"a":{"enum":["mild","moderate"]},"b":{"type":"boolean"},)"
                                           R"("c":{"const":"none"}},"required":["a","b","c"]})");
  ASSERT_TRUE(grammar.ok());
  for (unsigned seed = 0; seed < 20; ++seed) {
    const std::string text = Drawn(grammar.value(), seed, 1);
    for (std::size_t at = 0; at < text.size(); ++at) {
      if (CompleteUtf8Prefix(text.substr(0, at)) != at) continue;
      auto made = GrammarConstraint::Create(vocab_, grammar.value());
      made.value()->Append(text.substr(0, at));
      EXPECT_TRUE(text.substr(at).starts_with(made.value()->Forced(100))) << text << " at " << at;
    }
  }
}

TEST_F(GrammarTest, SaysWhereThereAreTooManyWays) {
  const Loaded loaded = LoadEngine(RandomModel());
  Request request = GreedyRequest("bat", 10);
  request.grammar = ".";
  for (int i = 0; i < 20; ++i) request.grammar = "(" + request.grammar + ")+";
  request.grammar = "root ::= " + request.grammar;
  const auto id = loaded.engine->Submit(request);
  ASSERT_TRUE(id.ok());
  const Seen seen = loaded.recorder->Wait(id.value());
  const Status& status = std::get<Failed>(*seen.end).status;
  EXPECT_NE(status.message().find("too many ways"), std::string::npos) << status.message();
}

}  // namespace
}  // namespace medinfer::testing
