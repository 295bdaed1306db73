#include "chat/gemma_form.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "schema/schema_grammar.h"
#include "support/follower.h"

namespace medinfer::testing {
namespace {

struct Case {
  const char* schema;
  std::vector<std::string> right;
  std::vector<std::string> wrong;
};

TEST(GemmaForm, WritesValuesOfEveryKind) {
  const std::vector<Case> cases = {
      {R"({"type":"string"})",
       {R"(<|"|>a "b" \ {c}<|"|>)", "<|\"|>\n<|\"|>", R"(<|"|><|"|>)", R"(<|"|><|"<|"|>)"},
       {R"("a")", R"(<|"|>a<|"|>b<|"|>)"}},
      {R"({"type":"string","maxLength":2})", {R"(<|"|>ab<|"|>)"}, {R"(<|"|>abc<|"|>)"}},
      {R"({"type":"string","pattern":"^[<|]+$"})", {R"(<|"|><|<|"|>)"}, {R"(<|"|><|a<|"|>)"}},
      {R"({"enum":["a",1,null,{"b":[true,"c"]}]})",
       {R"(<|"|>a<|"|>)", "1", "null", R"({b:[true,<|"|>c<|"|>]})"},
       {R"("a")", R"({"b":[true,"c"]})"}},
      // What cannot be written is left out.
      {R"({"enum":["a<|\"|>b","c",{"d:e":1}]})", {R"(<|"|>c<|"|>)"}, {R"(<|"|>a<|"|>b<|"|>)", "{d:e:1}"}},
      {R"({"type":["integer","null","boolean"],"minimum":3})", {"3", "null", "true"}, {"2"}},
      {R"({"type":"array","items":{"type":"boolean"},"maxItems":2})",
       {"[]", "[true]", "[true,false]"},
       {"[true,true,true]", "[ ]", "[true, true]"}},
      {R"({"type":"array","prefixItems":[{"const":1},{"const":"a"}],"items":false})", {R"([1,<|"|>a<|"|>])"}, {"[1]"}},
      {R"({"type":"array","items":{"enum":["a","b"]},"uniqueItems":true})",
       {"[]", R"([<|"|>a<|"|>,<|"|>b<|"|>])"},
       {R"([<|"|>a<|"|>,<|"|>a<|"|>])"}},
      // In the order of Jinja's dictsort, whatever the schema's is.
      {R"({"type":"object","properties":{"b":{"const":1},"C":{"const":2},"a":{"const":3}},"required":["b"]})",
       {"{b:1}", "{a:3,b:1,C:2}", "{b:1,C:2}"},
       {"{}", "{b:1,a:3}", "{C:2,b:1}", "{\"b\":1}", "{b: 1}", "{ b:1}"}},
      {R"({"type":"object","properties":{"a b \"c\"":{"const":1}}})", {"{}", "{a b \"c\":1}"}, {"{a:1}"}},
      {R"({"type":"object","additionalProperties":{"const":1}})",
       {"{}", "{x:1}", "{a,b:1,\"c\":1}"},
       {"{:1}", "{ x:1}", "{}:1}", "{x:2}"}},
      {R"({"type":"object","properties":{"x":true},"patternProperties":{"^y":{"const":1}},"required":["x"]})",
       {"{x:[null,{a:<|\"|>b<|\"|>}],y:1}", "{x:-1.5e3,yy:1,y:1}"},
       {"{x:1,z:1}", "{y:1}"}},
      {R"({"properties":{"n":{"anyOf":[{"type":"null"},{"$ref":"#"}]}},"type":"object","required":["n"]})",
       {"{n:null}", "{n:{n:{n:null}}}"},
       {"{n:{}}"}},
  };
  for (const Case& each : cases) {
    const auto grammar = SchemaGrammar(each.schema, GemmaForm());
    ASSERT_TRUE(grammar.ok()) << each.schema << ": " << grammar.status().message();
    Follower follower(grammar.value());
    for (const std::string& text : each.right) EXPECT_TRUE(follower.Takes(text)) << each.schema << " takes " << text;
    for (const std::string& text : each.wrong) {
      EXPECT_FALSE(follower.Takes(text)) << each.schema << " takes no " << text;
    }
  }
}

TEST(GemmaForm, RefusesNamesAndTextsThatItCannotWrite) {
  const std::vector<std::pair<const char*, const char*>> cases = {
      {R"({"type":"object","properties":{"a:b":{}}})", "a:b"},
      {R"({"type":"object","properties":{"a}":{}}})", "a}"},
      {R"({"type":"object","properties":{" a":{}}})", " a"},
      {R"({"type":"object","properties":{"":{}}})", "properties"},
      {R"({"type":"object","properties":{"x":{"const":"<|\"|>"}}})", "enum"},
      {R"({"type":"object","properties":{"x":{"type":"string","pattern":"^<\\|\"\\|>"}}})", "pattern"},
  };
  for (const auto& [schema, part] : cases) {
    const auto grammar = SchemaGrammar(schema, GemmaForm());
    ASSERT_FALSE(grammar.ok()) << schema;
    EXPECT_NE(grammar.status().message().find(part), std::string::npos) << grammar.status().message();
    EXPECT_TRUE(SchemaGrammar(schema, JsonForm()).ok()) << schema;
  }
}

}  // namespace
}  // namespace medinfer::testing
