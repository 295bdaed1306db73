#include "chat/minimax_form.h"

#include <gtest/gtest.h>

#include <regex>
#include <string>
#include <vector>

#include "schema/schema_grammar.h"
#include "support/follower.h"

namespace medinfer::testing {
namespace {

// The mark before every tag, written as ~ in the cases.
std::string Marked(const std::string& text) { return std::regex_replace(text, std::regex("~"), "]<]minimax[>["); }

struct Case {
  const char* schema;
  std::vector<std::string> right;
  std::vector<std::string> wrong;
};

TEST(MiniMaxForm, WritesListsAndObjectsAsElements) {
  const std::vector<Case> cases = {
      {R"({"type":"array","items":{"type":"string","maxLength":3},"maxItems":2})",
       {"", "~<item>a\"b~</item>", "~<item>~</item>~<item></a~</item>"},
       {"~<item>abcd~</item>", "~<item>a~</item>~<item>a~</item>~<item>a~</item>", "[]", "~<item>a</item>"}},
      {R"({"type":"array","items":{"type":["null","integer"],"minimum":3},"minItems":1})",
       {"~<item>3~</item>", "~<item>null~</item>"},
       {"", "~<item>2~</item>"}},
      // Whatever may be a text is one.
      {R"({"type":"array","items":{"anyOf":[{"type":"null"},{"enum":["a",5]}]}})",
       {"~<item>a~</item>"},
       {"~<item>5~</item>", "~<item>null~</item>"}},
      {R"({"type":"array","items":{"enum":["a","b",1]},"uniqueItems":true})",
       {"~<item>a~</item>~<item>b~</item>"},
       {"~<item>a~</item>~<item>a~</item>", "~<item>1~</item>"}},
      // Required members first.
      {R"({"type":"object","properties":{"a":{"const":1},"b":{"type":"boolean"},"c":{"const":3}},"required":["b"]})",
       {"~<b>true~</b>", "~<b>true~</b>~<a>1~</a>~<c>3~</c>", "~<b>true~</b>~<c>3~</c>"},
       {"", "~<a>1~</a>~<b>true~</b>", "~<b>true~</b>~<c>3~</c>~<a>1~</a>", "~<b>1~</b>"}},
      {R"({"type":"object","properties":{"a":{"type":"object","properties":{"b":{"const":"x"}},"required":["b"]}}})",
       {"", "~<a>~<b>x~</b>~</a>"},
       {"~<a>~</a>", R"(~<a>{"b":"x"}~</a>)"}},
      // What no reader tells by its elements is JSON.
      {R"({"type":"object","properties":{"a":{"type":"object","additionalProperties":{"const":"x"}}}})",
       {R"(~<a>{"b":"x"}~</a>)"},
       {"~<a>~<b>x~</b>~</a>"}},
      {R"({"type":"object","properties":{"a":{"type":"array","prefixItems":[{"const":"x"}],"items":false}}})",
       {R"(~<a>["x"]~</a>)"},
       {"~<a>~<item>x~</item>~</a>"}},
      {R"({"type":"object","properties":{"a":{"anyOf":[{"type":"null"},{"type":"array","items":{"const":"x"}}]}}})",
       {R"(~<a>["x"]~</a>)", "~<a>null~</a>"},
       {"~<a>~<item>x~</item>~</a>"}},
  };
  for (const Case& each : cases) {
    const auto grammar = SchemaGrammar(each.schema, MiniMaxForm());
    ASSERT_TRUE(grammar.ok()) << each.schema << ": " << grammar.status().message();
    Follower follower(grammar.value());
    for (const std::string& text : each.right) {
      EXPECT_TRUE(follower.Takes(Marked(text))) << each.schema << " takes " << text;
    }
    for (const std::string& text : each.wrong) {
      EXPECT_FALSE(follower.Takes(Marked(text))) << each.schema << " takes no " << text;
    }
  }
}

// Where elements are deeper than their reader looks, JSON goes on.
TEST(MiniMaxForm, GoesOnAsJson) {
  const auto grammar =
      SchemaGrammar(R"({"type":"object","properties":{"a":{"$ref":"#"},"s":{"const":"x"}}})", MiniMaxForm());
  ASSERT_TRUE(grammar.ok()) << grammar.status().message();
  Follower follower(grammar.value());
  const auto nested = [](const std::string& inmost) {
    return Marked("~<a>~<a>~<a>~<a>" + inmost + "~</a>~</a>~</a>~</a>");
  };
  EXPECT_TRUE(follower.Takes(nested(R"({"a":{"a":{"s":"x"}}})")));
  EXPECT_TRUE(follower.Takes(Marked("~<a>~<s>x~</s>~</a>~<s>x~</s>")));
  EXPECT_FALSE(follower.Takes(nested("~<s>x~</s>")));
  EXPECT_FALSE(follower.Takes(nested(R"({"a":{"a":{"s":"y"}}})")));
}

}  // namespace
}  // namespace medinfer::testing
