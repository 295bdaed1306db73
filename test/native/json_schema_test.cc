#include "medinfer/json_schema.h"

#include <gtest/gtest.h>
#include <llama-grammar.h>

#include <memory>
#include <random>
#include <string>

#include "sampling/grammar_rules.h"
#include "schema/number_range.h"
#include "schema/pattern.h"

namespace medinfer::testing {
namespace {

// Whether a text follows a grammar, by llama.cpp's own state.
class Follower {
 public:
  explicit Follower(const std::string& grammar) {
    auto parsed = ParseGrammar(grammar, nullptr);
    EXPECT_TRUE(parsed.ok()) << grammar << (parsed.ok() ? "" : parsed.status().message());
    if (!parsed.ok()) return;
    GrammarRules& rules = parsed.value();
    entry_ = rules.rules.size();
    rules.rules.push_back({{LLAMA_GRETYPE_CHAR, 1}, {LLAMA_GRETYPE_RULE_REF, rules.root}, {LLAMA_GRETYPE_END, 0}});
    grammar_.reset(new llama_grammar{nullptr, std::move(rules.rules), {}, {}, false, false, "", {}, {}, {}});
  }

  bool Takes(const std::string& text) {
    grammar_->stacks = {{grammar_->rules[entry_].data()}};
    llama_grammar_accept(grammar_.get(), 1);
    for (const char c : text) {
      llama_grammar_accept(grammar_.get(), static_cast<unsigned char>(c));
      if (grammar_->stacks.empty()) return false;
    }
    for (const auto& stack : grammar_->stacks) {
      if (stack.empty()) return true;
    }
    return false;
  }

 private:
  struct Deleter {
    void operator()(llama_grammar* grammar) const { llama_grammar_free_impl(grammar); }
  };
  std::unique_ptr<llama_grammar, Deleter> grammar_;
  std::size_t entry_ = 0;
};

std::string Decimal(int hundredths) {
  std::string text = std::to_string(std::abs(hundredths) / 100);
  const int rest = std::abs(hundredths) % 100;
  if (rest > 0)
    text += rest % 10 == 0 ? "." + std::to_string(rest / 10) : (rest < 10 ? ".0" : ".") + std::to_string(rest);
  return (hundredths < 0 ? "-" : "") + text;
}

// All hundredths around random ranges: taken where they lie inside, and nowhere else.
TEST(NumberRange, TakesTheNumbersOfTheRangeAndNoOthers) {
  std::mt19937 random(5);
  const auto pick = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); };
  for (int round = 0; round < 300; ++round) {
    const int low = pick(-1500, 1500);
    const int high = low + pick(1, 1500);
    const bool integer = round % 3 == 0;
    const bool has_low = round % 5 != 1;
    const bool has_high = round % 5 != 2;
    const bool low_out = pick(0, 1) == 1;
    const bool high_out = pick(0, 1) == 1;
    std::optional<NumberBound> minimum;
    std::optional<NumberBound> maximum;
    if (has_low) minimum = NumberBound{Decimal(low), low_out};
    if (has_high) maximum = NumberBound{Decimal(high), high_out};
    auto rule = NumberRangeRule(minimum, maximum, integer);
    const auto inside = [&](int n) {
      if (integer && n % 100 != 0) return false;
      return (!has_low || (low_out ? n > low : n >= low)) && (!has_high || (high_out ? n < high : n <= high));
    };
    if (!rule.ok()) {
      for (int n = low; n <= high; ++n)
        ASSERT_FALSE(inside(n)) << Decimal(n) << " of " << Decimal(low) << " to " << Decimal(high);
      continue;
    }
    Follower follower("root ::= " + rule.value());
    for (int n = low - 300; n <= high + 300; ++n) {
      ASSERT_EQ(follower.Takes(Decimal(n)), inside(n))
          << Decimal(n) << " of " << (has_low ? Decimal(low) : "") << " to " << (has_high ? Decimal(high) : "")
          << (integer ? " integer: " : ": ") << rule.value();
    }
  }
}

TEST(NumberRange, RefusesWhatItCanNotKeep) {
  EXPECT_FALSE(NumberRangeRule(NumberBound{"1e-07", false}, {}, false).ok());
  EXPECT_FALSE(NumberRangeRule(NumberBound{"123456789012345", false}, {}, false).ok());
  EXPECT_FALSE(NumberRangeRule(NumberBound{"2", true}, NumberBound{"2", false}, false).ok());
  EXPECT_FALSE(NumberRangeRule(NumberBound{"0.1", false}, NumberBound{"0.9", false}, true).ok());
}

TEST(Pattern, TakesWhatMatches) {
  Follower follower("root ::= " + PatternRule(R"(^a[b-d]{2}(x|yz)?\.\\"[^q]+?$)").value());
  EXPECT_TRUE(follower.Takes(R"("abd.\\\"q1")") == false);
  EXPECT_TRUE(follower.Takes(R"("abdyz.\\\"12")"));
  EXPECT_FALSE(follower.Takes(R"("abdyz.\\\"")"));
  for (const char* wrong :
       {"", "^", "$", "a", "^a", "^(a$", "^a)$", "^[a$", "^*$", "^\\b$", "^a\\$", "^[z-a]$", "^a$b$"}) {
    EXPECT_FALSE(PatternRule(wrong).ok()) << wrong;
  }
}

TEST(JsonSchema, CorrectsTheConverter) {
  Follower date(JsonSchemaToGrammar(R"({"type":"string","format":"date"})").value());
  EXPECT_TRUE(date.Takes("\"2024-02-29\""));
  EXPECT_TRUE(date.Takes("\"2000-02-29\""));
  for (const char* wrong : {"2023-02-29", "1900-02-29", "2024-02-30", "2024-04-31", "2024-13-01", "2024-00-10"}) {
    EXPECT_FALSE(date.Takes("\"" + std::string(wrong) + "\"")) << wrong;
  }
  Follower text(JsonSchemaToGrammar(R"({"type":"string"})").value());
  EXPECT_TRUE(text.Takes(R"("\u00e4\n")"));
  EXPECT_FALSE(text.Takes(R"("\ud83d\ude00")"));
  Follower number(JsonSchemaToGrammar(R"({"type":"number"})").value());
  EXPECT_TRUE(number.Takes("-1.5e10"));
  EXPECT_FALSE(number.Takes("1e999"));
  Follower object(
      JsonSchemaToGrammar(R"({"properties":{"ab":{"type":"null"}},"additionalProperties":{"type":"boolean"}})")
          .value());
  EXPECT_TRUE(object.Takes(R"({"ab":null,"abc":true})"));
  EXPECT_FALSE(object.Takes(R"({"a\u0062":true})"));
  EXPECT_FALSE(object.Takes("{\"\\q\":true}"));
}

TEST(JsonSchema, NeverFailsBadly) {
  for (const char* wrong :
       {"", "{", "5", "null", "[]", "false", R"({"type":5})", R"({"type":[]})", R"({"anyOf":[]})", R"({"enum":5})",
        R"({"required":5})", R"({"items":5})", R"({"$ref":5})", R"({"const":"x7medinfer-0"})"}) {
    EXPECT_EQ(JsonSchemaToGrammar(wrong).ok(), false) << wrong;
  }
  EXPECT_FALSE(JsonSchemaToGrammar(std::string(10000, '[')).ok());
  EXPECT_FALSE(JsonSchemaToGrammar(std::string(100000, ' ')).ok());
}

// Random bytes in the alphabet of grammars: an answer for each, and no end of the process.
TEST(Grammar, SurvivesRandomText) {
  std::mt19937 random(3);
  const std::string alphabet = "root::=  \n\n\"[](){}|*+?.,0129ab-^\\<>!#";
  int good = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string text = round % 2 == 0 ? "root ::= " : "";
    for (std::size_t n = random() % 40; n > 0; --n) text += alphabet[random() % alphabet.size()];
    good += ParseGrammar(text, nullptr).ok() ? 1 : 0;
  }
  EXPECT_GT(good, 100);
}

}  // namespace
}  // namespace medinfer::testing
