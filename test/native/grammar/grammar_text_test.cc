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

// Each level of repetition was a place more at which the text stood, and places are compared in pairs.
TEST(GrammarText, RepetitionsOfRepetitionsCostNoMoreThanOne) {
  std::mt19937 random(11);
  const auto pick = [&](std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random); };
  for (int round = 0; round < 300; ++round) {
    std::string nested = "\"a\"*";
    for (std::size_t depth = pick(80); depth > 0; --depth) {
      switch (pick(3)) {
        case 0:
          nested += "*+?"[pick(3)];
          break;
        case 1:
          nested = "(" + nested + ")" + "*+?"[pick(3)];
          break;
        default:
          if (nested.size() < 200) nested = "(" + nested + " " + nested + ")";
      }
    }
    Follower follower("root ::= " + nested + " \"b\"");
    for (const char* text : {"b", "ab", "aaaab"}) EXPECT_TRUE(follower.Takes(text)) << nested << " " << text;
    EXPECT_LE(follower.most_stacks(), 8U) << nested;  // of some, two or three stand side by side at the end
    for (const char* text : {"", "a", "ba", "aab b", "bb"}) EXPECT_FALSE(follower.Takes(text)) << nested << " " << text;
  }
  // Where they repeat more than one thing, they stay what they are.
  Follower mixed("root ::= ((\"a\"* \"b\")* \"c\"?)* \"d\"");
  for (const char* text : {"d", "bd", "aabcabccd", "cbbd"}) EXPECT_TRUE(mixed.Takes(text)) << text;
  for (const char* text : {"ad", "aacd", "abca"}) EXPECT_FALSE(mixed.Takes(text)) << text;
  Follower recursive("root ::= x \"!\"\nx ::= y x | \"\"\ny ::= (\"a\"* x2)*\nx2 ::= \"(\" x \")\" | \"\"");
  for (const char* text : {"!", "aa!", "a(a()a)!", "()()a!"}) EXPECT_TRUE(recursive.Takes(text)) << text;
  EXPECT_FALSE(recursive.Takes("a(a!"));
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
