#include "schema/pattern.h"

#include <gtest/gtest.h>

#include <random>
#include <regex>
#include <string>
#include <vector>

#include "schema/automaton.h"

namespace medinfer::testing {
namespace {

Automaton Compiled(const std::string& pattern) {
  RegexTerms terms;
  const auto term = ParsePattern(terms, pattern);
  EXPECT_TRUE(term.ok()) << pattern << ": " << (term.ok() ? "" : term.status().message());
  return term.ok() ? Automaton::OfTerm(terms, term.value()) : Automaton();
}

// All texts of up to five characters, under patterns of random parts: the same answer as std::regex, which has the same
// rules for these.
TEST(Pattern, MatchesAsEcmaScriptDoes) {
  const std::vector<std::string> parts = {
      "a",    "b",         "[ab]",   "[^a]", ".",     "(a|b)", "(?:ab|c)?", "(a?)*",   "(a*b?)*",        "(?:)",
      "c{2}", "(ab){1,2}", "b{0,1}", "\\w",  "(?=a)", "(?!b)", "(?!.*cc)",  "[a-c]+?", "(a|ab)(c|bcd)?", "\\W"};
  std::vector<std::string> texts{""};
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (texts[i].size() == 5) break;
    for (const char c : {'a', 'b', 'c', '-'}) texts.push_back(texts[i] + c);
  }
  std::mt19937 random(1);
  for (int round = 0; round < 400; ++round) {
    std::string pattern = random() % 3 == 0 ? "" : "^";
    for (std::size_t n = 1 + random() % 4; n > 0; --n) {
      pattern += parts[random() % parts.size()];
      if (random() % 6 == 0) pattern += "|";
    }
    if (random() % 3 != 0) pattern += "$";
    const Automaton automaton = Compiled(pattern);
    const std::regex reference(pattern);
    for (const std::string& text : texts) {
      ASSERT_EQ(automaton.Takes(text), std::regex_search(text, reference)) << pattern << " on " << text;
    }
  }
}

TEST(Pattern, KnowsTheEscapes) {
  EXPECT_TRUE(
      Compiled("^\\S+\\s\\D\\n\\t\\x41\\u00e4\\u{1F600}\\/\\-[\\w\\-\\]]$").Takes("x. y\n\tA\u00e4\U0001F600/-]"));
  EXPECT_TRUE(Compiled("\\d{3}").Takes("a 123 b"));
  EXPECT_FALSE(Compiled("\\d{3}").Takes("12"));
  EXPECT_TRUE(Compiled("").Takes("anything"));
  EXPECT_TRUE(Compiled("^(?!^[-+.]*$)[+-]?0*\\d*\\.?\\d*$").Takes("-01.5"));
  EXPECT_FALSE(Compiled("^(?!^[-+.]*$)[+-]?0*\\d*\\.?\\d*$").Takes("-."));
  EXPECT_TRUE(Compiled("^[^\\s]{2,}$").Takes("\u00e4\U0001F600"));
  EXPECT_TRUE(Compiled("a$^").empty());
  EXPECT_TRUE(Compiled("^a{3000}$").Takes(std::string(3000, 'a')));
  EXPECT_FALSE(Compiled("^a{3000}$").Takes(std::string(2999, 'a')));
}

TEST(Pattern, SaysWhatItDoesNotKnow) {
  for (const char* wrong : {"^(a$", "^a)$", "^[a$", "^*$", "^\\b$", "a\\", "^[z-a]$", "(?<=a)b", "(a)\\1", "(?i:a)",
                            "a{2", "a{3,2}", "(^a)*", "\\p{L}", "\\u12", "a*^b", "[\\d-z]"}) {
    RegexTerms terms;
    const auto parsed = ParsePattern(terms, wrong);
    EXPECT_FALSE(parsed.ok()) << wrong;
  }
}

// What would need too many states ends in an error, and soon.
TEST(Pattern, IsBounded) {
  RegexTerms terms;
  const auto parsed = ParsePattern(terms, "^(?:a|b)*a(?:a|b){30}$");
  ASSERT_TRUE(parsed.ok());
  EXPECT_THROW(Automaton::OfTerm(terms, parsed.value()), TooLarge);
}

}  // namespace
}  // namespace medinfer::testing
