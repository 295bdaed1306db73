#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "grammar/rules.h"
#include "support/follower.h"

namespace medinfer::testing {
namespace {

// Random bytes in the alphabet of grammars: an answer for each, and no end of the process.
TEST(GrammarText, SurvivesRandomText) {
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

TEST(GrammarText, RepeatsWhatMayBeEmpty) {
  const struct {
    const char* grammar;
    std::vector<std::string> right;
    std::vector<std::string> wrong;
  } cases[] = {
      {R"(root ::= ("a"*)* )", {"", "a", "aaa"}, {"b"}},
      {R"(root ::= ("a"?)+ )", {"", "aaa"}, {"b"}},
      {R"(root ::= ("a"? "b"?)* "c")", {"c", "abbac"}, {"", "abx"}},
      {R"(root ::= ("a"* | "b"?)* "c")", {"c", "abaabc"}, {"ca"}},
      {R"(root ::= (x y)*
x ::= "a" | ""
y ::= x x | ("b"?)*)",
       {"", "ab", "bba"},
       {"c"}},
      {R"(root ::= (("a"?)*){2,3} "c")", {"c", "aaac"}, {"b"}},
      {R"(root ::= ((""))* "a")", {"a"}, {"", "b"}},
      {R"(root ::= x root | "b"
x ::= "a"?)",
       {"b", "aab"},
       {"a"}},
  };
  for (const auto& each : cases) {
    Follower follower(each.grammar);
    for (const std::string& text : each.right) EXPECT_TRUE(follower.Takes(text)) << each.grammar << " takes " << text;
    for (const std::string& text : each.wrong)
      EXPECT_FALSE(follower.Takes(text)) << each.grammar << " takes no " << text;
  }
  for (const char* recursive :
       {"root ::= root", "root ::= root \"a\" | \"b\"", "root ::= x root \"c\" | \"b\"\nx ::= \"a\"?"}) {
    EXPECT_FALSE(ParseGrammar(recursive, nullptr).ok()) << recursive;
  }
}

TEST(GrammarText, RefusesWhatNoTokenCanFollow) {
  for (const char* wrong :
       {"root ::= [z-a]", "root ::= [a-cz-x]", "root ::= \"a\\x00b\"", "root ::= \"\\u0000\"",
        "root ::= \"\\U00000000\"", "root ::= [\\x00]", "root ::= []", "root ::= [^] \"a\"", "root ::= \"\\uD800\"",
        "root ::= [\\uD800-\\uDFFF]", "root ::= \"\\U00110000\"", "root ::= [^\\x00-\\U0010FFFF]",
        "root ::= <[4294967296]>", "root ::= <[99999999999999999999999]>"}) {
    const auto parsed = ParseGrammar(wrong, nullptr);
    ASSERT_FALSE(parsed.ok()) << wrong;
    EXPECT_NE(parsed.status().message().find("line 1"), std::string::npos) << parsed.status().message();
  }
  for (const char* right : {"root ::= [^\\x00-\\x1F]", "root ::= [a-]", "root ::= [a-z-]", "root ::= [\\x00a]",
                            "root ::= \"\\\\x00\"", "root ::= [\\]]"}) {
    EXPECT_TRUE(ParseGrammar(right, nullptr).ok()) << right << ParseGrammar(right, nullptr).status().message();
  }
}

}  // namespace
}  // namespace medinfer::testing
