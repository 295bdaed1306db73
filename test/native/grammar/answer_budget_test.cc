// Answers that are brought to their end, and the shortest ends themselves.
#include "grammar/answer_budget.h"

#include <gtest/gtest.h>
#include <llama.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "grammar/grammar.h"
#include "grammar/reasoning_gate.h"
#include "medinfer/json_schema.h"
#include "sampling/sampler_chain.h"
#include "support/vocabulary_test.h"
#include "text/detokenizer.h"

namespace medinfer::testing {
namespace {

std::unique_ptr<GrammarConstraint> Made(const llama_vocab* vocab, const std::string& grammar) {
  auto made = GrammarConstraint::Create(vocab, grammar);
  EXPECT_TRUE(made.ok()) << made.status().message();
  made.value()->FindShortest(' ');
  return std::move(made.value());
}

class AnswerBudgetTest : public VocabularyTest {
 protected:
  static std::optional<std::string> Closing(const std::string& grammar, const std::string& said = "") {
    const auto constraint = Made(vocab_, grammar);
    constraint->Append(said);
    return constraint->Closing();
  }

  static bool MayEnd(TokenConstraint& constraint) {
    llama_token_data end{llama_vocab_eos(vocab_), 0.0F, 0.0F};
    llama_token_data_array one{&end, 1, -1, false};
    constraint.Apply(one);
    return !std::isinf(end.logit);
  }

  struct Answer {
    std::string text;
    std::size_t tokens = 0;
    bool complete = false;
    bool cut = false;
  };

  // What random logits draw along the constraint.
  static Answer Draw(TokenConstraint& constraint, unsigned seed, std::size_t most, bool ignore_eos = false) {
    SamplingParams params;
    params.temperature = seed % 3 == 0 ? 0.0F : 1.0F;
    params.seed = seed;
    SamplerChain chain(params, ResolveTokens(vocab_, params, ignore_eos, 1000), &constraint);
    std::mt19937 random(seed);
    std::normal_distribution<float> normal(0, 3);
    Answer answer;
    while (answer.tokens < most && !constraint.ended()) {
      std::vector<float> logits(n_vocab_);
      for (float& logit : logits) logit = normal(random);
      const std::int32_t token = chain.Draw(logits);
      if (token < 0 || llama_vocab_is_eog(vocab_, token)) break;
      answer.text += TokenPiece(vocab_, token, false);
      ++answer.tokens;
    }
    answer.cut = constraint.cut();
    answer.complete = constraint.ended() || MayEnd(constraint);
    return answer;
  }
};

TEST_F(AnswerBudgetTest, FindsTheShortestEnd) {
  EXPECT_EQ(Closing("root ::= \"ab\" | \"c\""), "c");
  EXPECT_EQ(Closing("root ::= \"ab\" | \"c\"", "a"), "b");
  EXPECT_EQ(Closing("root ::= \"(\" root \")\" | \"x\""), "x");
  EXPECT_EQ(Closing("root ::= \"(\" root \")\" | \"x\"", "((("), "x)))");
  EXPECT_EQ(Closing("root ::= [a-z]* | \"1\""), "");
  EXPECT_EQ(Closing("root ::= [^ -z] \".\""), "{.");  // the first character that can be read
  EXPECT_EQ(Closing("root ::= [é-ü] . [^\\x00-\\U0000FFFF]"), "é 𐀀");
  // A rule comes later than what refers to it, and the way around is the shorter one.
  EXPECT_EQ(Closing("root ::= one two\none ::= two two two | \"12345\"\ntwo ::= three\nthree ::= \"a\""), "aaaa");
  EXPECT_EQ(Closing("root ::= \"a\" root | \"a\" other\nother ::= \"b\" other | \"cc\"", "ab"), "cc");
}

TEST_F(AnswerBudgetTest, KnowsNoEndWhereThereIsNone) {
  EXPECT_EQ(Closing("root ::= <[5]>"), std::nullopt);
  EXPECT_EQ(Closing("root ::= <[5]> | \"long\""), "long");
  // 2^40 characters at least.
  std::string doubled = "root ::= r0\nr40 ::= \"x\"\n";
  for (int i = 0; i < 40; ++i) {
    const std::string next = "r" + std::to_string(i + 1);
    doubled += "r" + std::to_string(i) + " ::= " + next + " " + next + "\n";
  }
  EXPECT_EQ(Closing(doubled), std::nullopt);
  EXPECT_EQ(Made(vocab_, doubled)->ClosingSize(), std::uint64_t{1} << 40U);
  // Nobody asked for it.
  EXPECT_EQ(GrammarConstraint::Create(vocab_, "root ::= \"a\"").value()->Closing(), std::nullopt);
}

// A chain in which every rule refers to the next one, far more of them than a stack holds calls.
TEST_F(AnswerBudgetTest, NeedsNoStackForDeepGrammars) {
  constexpr int kRules = 20000;
  std::string deep = "root ::= \"[\" r0 \"]\"\n";
  for (int i = 0; i < kRules; ++i)
    deep += "r" + std::to_string(i) + " ::= \"(\" r" + std::to_string(i + 1) + " \")\"\n";
  deep += "r" + std::to_string(kRules) + " ::= \"x\"\n";
  const auto closing = Closing(deep);
  ASSERT_TRUE(closing);
  EXPECT_EQ(closing->size(), 2 * kRules + 3);
}

constexpr const char* kSchemas[] = {
    R"({"type":"object","properties":{"name":{"type":"string"},"dose":{"type":"number"},"unit":{"enum":["mg","ml"]},
        "more":{"type":"array","items":{"type":"string"}}},"required":["name","dose","unit"]})",
    R"({"type":"array","items":{"type":"object","properties":{"größe":{"type":"integer"},"seen":{"type":"boolean"},
        "parts":{"type":"array","minItems":2,"items":{"type":"string","minLength":3}}},
        "required":["größe","seen","parts"]}})",
    R"({"type":"object"})",
    R"({"$defs":{"node":{"type":"object","properties":{"label":{"type":"string"},"next":{"$ref":"#/$defs/node"},
        "values":{"type":"array","items":{"type":"number"},"minItems":1}},"required":["label","values"]}},
        "$ref":"#/$defs/node"})",
    R"({"type":"string","pattern":"^[0-9]{4}-[0-9]{2}$"})",
};

TEST_F(AnswerBudgetTest, CompletesWhateverIsDrawnAtAnyLimit) {
  const auto pieces = std::make_shared<const PieceTable>(vocab_);
  unsigned seed = 0;
  std::size_t n_cut = 0;
  std::size_t n_whole = 0;
  for (const char* schema : kSchemas) {
    const auto grammar = JsonSchemaToGrammar(schema);
    ASSERT_TRUE(grammar.ok()) << schema;
    const auto model = Made(vocab_, grammar.value());
    const std::size_t least = pieces->Segment(*model->Closing())->size();
    for (std::size_t more = 0; more < 60; ++more) {
      const std::size_t most = least + more;
      for (const bool ignore_eos : {false, true}) {
        AnswerBudget budget(vocab_, pieces, static_cast<std::uint32_t>(most), model->Copy());
        const Answer answer = Draw(budget, ++seed, most, ignore_eos);
        EXPECT_TRUE(answer.complete) << schema << ", " << most << ": " << answer.text;
        EXPECT_LE(answer.tokens, most);
        ++(answer.cut ? n_cut : n_whole);
        // To the letter what the grammar says.
        const auto check = Made(vocab_, grammar.value());
        EXPECT_TRUE(check->Admits(answer.text)) << answer.text;
        check->Append(answer.text);
        EXPECT_TRUE(check->ended() || MayEnd(*check)) << answer.text;
      }
    }
  }
  EXPECT_GT(n_cut, 100U);
  EXPECT_GT(n_whole, 10U);
}

TEST_F(AnswerBudgetTest, ChangesNothingWhereThereIsRoom) {
  const auto pieces = std::make_shared<const PieceTable>(vocab_);
  const auto grammar = JsonSchemaToGrammar(kSchemas[0]);
  for (unsigned seed = 0; seed < 40; ++seed) {
    const auto alone = Made(vocab_, grammar.value());
    const Answer expected = Draw(*alone, seed, 400);
    if (!expected.complete) continue;
    AnswerBudget budget(vocab_, pieces, 2000, Made(vocab_, grammar.value()));
    const Answer answer = Draw(budget, seed, 2000);
    EXPECT_EQ(answer.text, expected.text);
    EXPECT_FALSE(answer.cut);
  }
}

// An end that is too long to be written out is no end that fits.
TEST_F(AnswerBudgetTest, GoesNoWayThatIsTooLong) {
  const auto pieces = std::make_shared<const PieceTable>(vocab_);
  const std::string grammar =
      "root ::= \"a\" | \"b\" r0\nr0 ::= r1 r1 r1 r1 r1 r1 r1 r1\nr1 ::= r2 r2 r2 r2 r2 r2 r2 r2\n"
      "r2 ::= r3 r3 r3 r3 r3 r3 r3 r3\nr3 ::= \"xxxxxxxx\" \"yyyyyyyy\" r4\n"
      "r4 ::= r5 r5 r5 r5 r5 r5 r5 r5\nr5 ::= r6 r6 r6 r6 r6 r6 r6 r6\nr6 ::= [a-z]{64}";
  for (unsigned seed = 0; seed < 30; ++seed) {
    AnswerBudget budget(vocab_, pieces, 50, Made(vocab_, grammar));
    EXPECT_EQ(Draw(budget, seed, 50).text, "a");
  }
}

TEST_F(AnswerBudgetTest, FillsWithWhatTakesFewTokens) {
  const PieceTable pieces(vocab_);
  const auto constraint = GrammarConstraint::Create(vocab_, "root ::= [^\"]{64}");
  constraint.value()->FindShortest(pieces.Filler());
  const auto closing = constraint.value()->Closing();
  EXPECT_EQ(closing, std::string(64, pieces.Filler()));
  const std::size_t filled = pieces.Segment(*closing)->size();
  for (const char other : {' ', '-', '0', 'x'}) EXPECT_LE(filled, pieces.Segment(std::string(64, other))->size());
}

// The end may come, and nothing that goes on would fit.
TEST_F(AnswerBudgetTest, EndsTheTurnWhereNothingElseFits) {
  const auto pieces = std::make_shared<const PieceTable>(vocab_);
  const std::string grammar = "root ::= \"a\" (\"(\" [b-z]{30} \")\")?";
  for (unsigned seed = 0; seed < 20; ++seed) {
    AnswerBudget budget(vocab_, pieces, 8, Made(vocab_, grammar));
    const Answer answer = Draw(budget, seed, 8);
    EXPECT_EQ(answer.text, "a");
    EXPECT_TRUE(answer.complete);
  }
}

TEST_F(AnswerBudgetTest, LetsACopyEndByItself) {
  const auto pieces = std::make_shared<const PieceTable>(vocab_);
  const auto grammar = JsonSchemaToGrammar(kSchemas[0]);
  AnswerBudget budget(vocab_, pieces, 40, Made(vocab_, grammar.value()));
  std::unique_ptr<TokenConstraint> copy = budget.Clone();
  const Answer first = Draw(budget, 1, 40);
  const Answer second = Draw(*copy, 1, 40);
  EXPECT_EQ(first.text, second.text);
  EXPECT_TRUE(second.complete);
}

TEST_F(AnswerBudgetTest, ForcesTheEndThatItWrites) {
  const auto pieces = std::make_shared<const PieceTable>(vocab_);
  const auto open = pieces->Segment("[\"");
  ASSERT_TRUE(open);
  AnswerBudget budget(vocab_, pieces, 3 + static_cast<std::uint32_t>(open->size()),
                      Made(vocab_, R"(root ::= "[\"" [a-z]* "\"]")"));
  EXPECT_EQ(budget.Forced(9), "[\"");
  for (const std::int32_t token : *open) budget.Accept(token);
  EXPECT_EQ(budget.Forced(9), "");
  // A letter would leave too little for the end, so the end is all that may come.
  budget.Accept(pieces->Segment("a")->front());
  const std::int32_t letter = pieces->Segment("b")->front();
  llama_token_data candidate{letter, 0.0F, 0.0F};
  llama_token_data_array one{&candidate, 1, -1, false};
  budget.Apply(one);
  EXPECT_EQ(budget.Forced(9), "\"]");
  EXPECT_EQ(budget.Forced(1), pieces->Segment("\"]")->size() == 1 ? "\"]" : "\"");
}

// Inside of reasoning no end is known, so nothing is closed; behind it the answer is.
TEST_F(AnswerBudgetTest, HoldsBehindReasoning) {
  ReasoningGate gate(vocab_, TokenTexts(vocab_, {}), {"(", ")", true, false}, Made(vocab_, "root ::= \"ab\""));
  EXPECT_EQ(gate.Closing(), std::nullopt);
  EXPECT_EQ(gate.Clone()->Closing(), std::nullopt);
  const PieceTable pieces(vocab_);
  const auto said = pieces.Segment("why)");
  ASSERT_TRUE(said);
  for (const std::int32_t token : *said) gate.Accept(token);
  EXPECT_EQ(gate.Closing(), "ab");
  EXPECT_EQ(gate.Clone()->Closing(), "ab");
}

TEST_F(AnswerBudgetTest, SegmentsAnyText) {
  const PieceTable pieces(vocab_);
  for (const std::string& text : {std::string("{\"größe\":0}"), std::string("\"\xF0\x90\x80\x80\""), std::string()}) {
    const auto tokens = pieces.Segment(text);
    ASSERT_TRUE(tokens) << text;
    std::string written;
    for (const std::int32_t token : *tokens) written += TokenPiece(vocab_, token, false);
    EXPECT_EQ(written, text);
  }
}

}  // namespace
}  // namespace medinfer::testing
