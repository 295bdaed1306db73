#include "medinfer/json_schema.h"

#include <gtest/gtest.h>

#include <iterator>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "grammar/rules.h"
#include "support/follower.h"

namespace medinfer::testing {
namespace {

struct Case {
  const char* schema;
  std::vector<std::string> right;
  std::vector<std::string> wrong;
};

void ExpectKept(const Case& each) {
  const auto grammar = JsonSchemaToGrammar(each.schema);
  ASSERT_TRUE(grammar.ok()) << each.schema << ": " << grammar.status().message();
  Follower follower(grammar.value());
  for (const std::string& text : each.right) EXPECT_TRUE(follower.Takes(text)) << each.schema << " takes " << text;
  for (const std::string& text : each.wrong) EXPECT_FALSE(follower.Takes(text)) << each.schema << " takes no " << text;
}

TEST(JsonSchema, KeepsWhatIsSaidOfTexts) {
  const std::vector<Case> cases = {
      {R"({"type":"string"})", {R"("\u00e4\n")", R"("")"}, {R"("\ud83d\ude00")", R"("\q")", "\"\n\""}},
      {R"({"type":"string","format":"date"})",
       {"\"2024-02-29\"", "\"2000-02-29\"", "\"1999-12-31\""},
       {"\"2023-02-29\"", "\"1900-02-29\"", "\"2024-02-30\"", "\"2024-04-31\"", "\"2024-13-01\"", "\"2024-00-10\""}},
      {R"({"format":"email","pattern":"^(?!\\.)(?!.*\\.\\.)[a-z.]+@x\\.org$"})",
       {"\"a.b@x.org\""},
       {"\".a@x.org\"", "\"a..b@x.org\"", "\"a@y.org\"", "\"a.@x.org\""}},
      {R"({"type":"string","format":"cuid","pattern":"^c[a-z]{2}$"})", {"\"cab\""}, {"\"ca\""}},
      {R"({"type":"string","pattern":"mg|ml"})", {"\"5 mg\"", "\"ml\""}, {"\"g\"", "\"\""}},
      {R"({"type":"string","pattern":"^(x?)*$"})", {"\"\"", "\"xxx\""}, {"\"y\""}},
      {R"({"type":"string","pattern":"^\\S+\\n\\W$"})", {R"("ab\n-")"}, {R"("a b\n-")", R"("ab\nc")", "\"ab\n-\""}},
      {R"({"type":"string","pattern":"^[a\"\\\\\\n]+$"})", {R"("a\"\\\n")"}, {R"("a"\")", R"("\\\")"}},
      {R"({"type":"string","pattern":"^a*$","minLength":2,"maxLength":3})",
       {"\"aa\"", "\"aaa\""},
       {"\"a\"", "\"aaaa\""}},
      {R"({"type":"string","pattern":"^[ab]*c$","maxLength":4})", {"\"abac\""}, {"\"ababc\"", "\"aba\""}},
      {R"({"type":"string","format":"uri","maxLength":2083,"minLength":1})",
       {"\"https://example.org/a?b=c\""},
       {"\"x\""}},
      {R"({"enum":["a","ab","b",1,null,{"c":[true]}]})",
       {"\"a\"", "\"ab\"", "1", "null", R"({"c":[true]})"},
       {"\"c\"", "11"}},
      {R"({"type":"string","enum":["a",5,"bcd"],"maxLength":2})", {"\"a\""}, {"5", "\"bcd\""}},
  };
  for (const Case& each : cases) ExpectKept(each);
}

TEST(JsonSchema, KeepsLengthsOfAnySize) {
  for (const std::size_t length : {1UL, 1999UL, 2000UL, 2001UL, 5000UL, 100000UL}) {
    const std::string count = std::to_string(length);
    const std::string more(length + 1, 'x');
    const std::string exactly = "\"" + more.substr(1) + "\"";
    for (const std::string& schema : {R"({"type":"string","maxLength":)" + count + "}",
                                      R"({"type":"string","minLength":)" + count + R"(,"maxLength":)" + count + "}",
                                      R"({"type":"string","pattern":"^[x-z]{)" + count + R"(}$"})",
                                      R"({"type":"string","pattern":"^\\S*$","maxLength":)" + count + "}"}) {
      ExpectKept({schema.c_str(), {exactly}, {"\"" + more + "\""}});
    }
    ExpectKept({(R"({"type":"string","minLength":)" + count + "}").c_str(),
                {exactly, "\"" + more + "\""},
                {"\"" + more.substr(2) + "\""}});
    std::string items = "[1";
    for (std::size_t i = 1; i < length; ++i) items += ",1";
    if (length > 5000) continue;
    ExpectKept({(R"({"type":"array","items":{"const":1},"maxItems":)" + count + "}").c_str(),
                {items + "]", "[]"},
                {items + ",1]"}});
  }
}

TEST(JsonSchema, KeepsWhatIsSaidOfObjects) {
  const std::vector<Case> cases = {
      {R"({"properties":{"ab":{"type":"null"}},"additionalProperties":{"type":"boolean"}})",
       {R"({"ab":null,"abc":true})", R"({"a":true,"b":false})", "{}"},
       {R"({"a\u0062":true})", R"({"ab":true})", R"({"ab":null,"ab":null})", "{\"\\q\":true}"}},
      {R"({"properties":{"a":{"const":1},"b":{"const":2},"c":{"const":3},"d":{"const":4}},"required":["b"]})",
       {R"({"b":2})", R"({"a":1,"b":2,"c":3,"d":4})", R"({"b":2,"d":4})", R"({ "a" : 1, "b": 2 })"},
       {R"({"a":1})", "{}", R"({"b":2,"a":1})", R"({"b":2,})", R"({,"b":2})", R"({"b":2,"b":2})", R"({"b":2 "d":4})"}},
      {R"({"properties":{"a":{"const":1},"b":{"const":2}}})",
       {"{}", R"({"a":1})", R"({"b":2})", R"({"a":1,"b":2})"},
       {R"({"b":2,"a":1})"}},
      {R"({"properties":{"a":{"const":1},"b":{"const":2}},"minProperties":1})", {R"({"b":2})"}, {"{}"}},
      {R"({"type":"object","propertyNames":{"type":"string"},"additionalProperties":{"const":1},"maxProperties":2})",
       {"{}", R"({"x":1,"y":1})"},
       {R"({"x":1,"y":1,"z":1})"}},
      {R"({"type":"object","propertyNames":{"enum":["a","b"]},"additionalProperties":{"const":1},"required":["b"]})",
       {R"({"b":1})", R"({"a":1,"b":1})"},
       {R"({"a":1})", R"({"b":1,"c":1})"}},
      {R"({"type":"object","patternProperties":{"^(.*)$":{"const":1}}})", {"{}", R"({"x y":1})"}, {R"({"x":2})"}},
      {R"({"type":"object","properties":{"ab":true},"patternProperties":{"^a":{"const":1},"b$":{"const":2}}})",
       {R"({"ax":1,"xb":2})"},
       {R"({"ab":1})", R"({"axb":1})", R"({"ax":2})", R"({"c":1})"}},
      {R"({"properties":{"a":{"not":{}},"b":{"const":1}}})", {R"({"b":1})"}, {R"({"a":1})"}},
      {R"({"allOf":[{"properties":{"a":{"type":"integer","minimum":3}}},{"properties":{"a":{"maximum":4}},"required":["a"]}]})",
       {R"({"a":3})", R"({"a":4})"},
       {R"({"a":5})", "{}"}},
      {R"({"type":"object","properties":{"a":{"const":1},"b":{"const":2}},"anyOf":[{"required":["a"]},{"required":["b"]}]})",
       {R"({"a":1})", R"({"b":2})", R"({"a":1,"b":2})"},
       {"{}"}},
      {R"({"allOf":[{"properties":{"a":{"const":1}}},{"properties":{"b":{"const":2}}}],"unevaluatedProperties":false})",
       {R"({"a":1,"b":2})"},
       {R"({"c":1})"}},
      {R"({"properties":{"größe \"x\"":{"const":1}}})", {"{\"größe \\\"x\\\"\":1}"}, {}},
  };
  // UTF-8 in the last one: byte by byte, the follower sees none of it.
  for (std::size_t i = 0; i + 1 < cases.size(); ++i) ExpectKept(cases[i]);
  EXPECT_TRUE(JsonSchemaToGrammar(cases.back().schema).ok());
}

TEST(JsonSchema, KeepsWhatIsSaidOfArraysAndNumbers) {
  const std::vector<Case> cases = {
      {R"({"type":"array","items":{"enum":["a","b","c"]},"uniqueItems":true})",
       {"[]", R"(["a","c"])", R"(["a","b","c"])"},
       {R"(["a","a"])"}},
      {R"({"type":"array","items":{"enum":["a","b","c"]},"uniqueItems":true,"minItems":2,"maxItems":2})",
       {R"(["b","c"])"},
       {"[]", R"(["a"])", R"(["a","b","c"])"}},
      {R"({"type":"array","items":{"type":"boolean"},"uniqueItems":true,"minItems":2})",
       {"[true,false]"},
       {"[true]", "[true,true]"}},
      {R"({"type":"array","prefixItems":[{"const":1},{"const":2}],"items":{"const":3},"maxItems":3})",
       {"[1,2]", "[1,2,3]"},
       {"[1]", "[1,2,3,3]"}},
      {R"({"type":"array","items":[{"const":1}],"additionalItems":false,"minItems":1})", {"[1]"}, {"[]", "[1,1]"}},
      {R"({"type":"array","maxItems":0})", {"[]", "[ ]"}, {"[1]"}},
      {R"({"type":"integer","minimum":-9007199254740991,"maximum":9007199254740991})",
       {"0", "-9007199254740991"},
       {"9007199254740992", "-0"}},
      {R"({"type":"number","multipleOf":0.25,"minimum":0})", {"0.25", "7", "7.5"}, {"0.3", "-1", "0.255"}},
      {R"({"type":"number","minimum":1,"exclusiveMinimum":2})", {"3"}, {"2", "1"}},
      {R"({"type":"number","minimum":2,"exclusiveMinimum":true})", {"3"}, {"2"}},
      {R"({"type":"string","nullable":true,"maxLength":1})", {"null", "\"a\""}, {"1"}},
      {R"({"type":["integer","null"],"minimum":3,"format":"int32"})", {"null", "3"}, {"2", "2147483648"}},
      {R"({"oneOf":[{"type":"integer","maximum":3},{"type":"integer","minimum":4}]})", {"3", "4"}, {}},
      {R"({"oneOf":[{"type":"string","pattern":"^a"},{"type":"string","pattern":"^b"}]})",
       {"\"a\"", "\"b\""},
       {"\"c\""}},
      {R"({"oneOf":[{"properties":{"a":{"const":1}},"required":["a"],"additionalProperties":false},{"properties":{"b":{"const":1}},"required":["b"],"additionalProperties":false}]})",
       {R"({"a":1})", R"({"b":1})"},
       {R"({"a":1,"b":1})"}},
  };
  for (const Case& each : cases) ExpectKept(each);
}

TEST(JsonSchema, FollowsReferences) {
  const std::vector<Case> cases = {
      {R"({"$ref":"#/$defs/a%20b~1%25","$defs":{"a b/%":{"const":1}}})", {"1"}, {"2"}},
      {R"({"$ref":"#x","$defs":{"a":{"$anchor":"x","const":1}}})", {"1"}, {"2"}},
      {R"({"$id":"https://example.org/s.json","$ref":"https://example.org/s.json#/$defs/a","$defs":{"a":{"const":1}}})",
       {"1"},
       {"2"}},
      {R"({"$id":"https://example.org/x/s.json","$ref":"t.json","$defs":{"t":{"$id":"t.json","$ref":"#/$defs/u","$defs":{"u":{"const":1}}}}})",
       {"1"},
       {"2"}},
      {R"({"$id":"T","type":"object","properties":{"a":{"$ref":"T"}}})", {R"({"a":{"a":{}}})"}, {R"({"b":1})"}},
      {R"({"$dynamicRef":"#n","$defs":{"a":{"$dynamicAnchor":"n","const":1}}})", {"1"}, {"2"}},
      {R"({"$ref":"#/$defs/a","minimum":3,"title":"x","$defs":{"a":{"type":"integer","maximum":4}}})",
       {"3", "4"},
       {"2", "5"}},
      {R"({"$ref":"#/properties/%24ref/properties/id","properties":{"$ref":{"properties":{"id":{"const":1}}}}})",
       {"1"},
       {"2", "{}"}},
      {R"({"anyOf":[{"type":"null"},{"properties":{"next":{"$ref":"#"}},"required":["next"]}]})",
       {R"({"next":{"next":null}})"},
       {R"({"next":{}})"}},
      {R"({"const":{"$ref":"#/nowhere"}})", {R"({"$ref":"#/nowhere"})"}, {}},
  };
  for (const Case& each : cases) ExpectKept(each);
}

// Each message names the place, the keyword and what to do, and no rule of a grammar.
TEST(JsonSchema, SaysWhatToDo) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"properties":{"a":{"properties":{"b":{"type":"array","uniqueItems":true}}}}})",
       "#/properties/a/properties/b: uniqueItems "},
      {R"({"properties":{"a/b":{"dependentRequired":{}}}})", "#/properties/a~1b: dependentRequired "},
      {R"({"items":{"if":{}}})", "#/items: if "},
      {R"({"$ref":"#/$defs/a","$defs":{"a":{"type":"txet"}}})", "#/$defs/a: type "},
      {R"({"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/a"}}})", "#/$defs/a: $ref leads back to itself"},
      {R"({"$ref":"#","title":"x","minLength":1})", "#: $ref leads back to itself"},
      {R"({"$ref":"#/$defs/a","$defs":{"a":{"properties":{"b":{"$ref":"#/$defs/a"}},"required":["b"]}}})",
       "#/$defs/a: schema describes no value that ends"},
      {R"({"$ref":"https://example.org/x"})", "#: $ref to another document"},
      {R"({"anyOf":[{"type":"string"},{"pattern":"\\b"}]})", "#/anyOf/1: pattern "},
      {R"({"allOf":[{"type":"string"},{"contains":{}}]})", "#/allOf/1: contains "},
      {R"({"type":"number","multipleOf":0.123456})", "#: multipleOf "},
      {R"({"type":"string","minLength":5,"maxLength":2})", "#: maxLength "},
      {R"({"type":"string","format":"no-such"})", "#: format \"no-such\" is unknown"},
      {R"({"type":"integer","minimum":5,"maximum":2})", "#: minimum "},
      {R"({"oneOf":[{"type":"number"},{"type":"integer"}]})", "#: oneOf "},
      {R"({"properties":{"a":{}},"required":["b"]})", "#: required names \"b\""},
      {R"({"patternProperties":{"(":{}}})", "#: patternProperties \"(\" "},
      {R"({"type":"string","pattern":"^(?:a|b)*a(?:a|b){30}$"})", "#: pattern needs too many rules"},
  };
  for (const auto& [schema, begin] : cases) {
    const auto grammar = JsonSchemaToGrammar(schema);
    ASSERT_FALSE(grammar.ok()) << schema;
    const std::string& message = grammar.status().message();
    EXPECT_TRUE(message.starts_with("jsonSchema: " + std::string(begin))) << message;
    EXPECT_NE(message.find(": ", message.find(begin) + std::string(begin).size() / 2), std::string::npos) << message;
    EXPECT_EQ(message.find("left recursion"), std::string::npos) << message;
  }
}

TEST(JsonSchema, NeverFailsBadly) {
  for (const char* wrong :
       {"", "{", "5", "null", "[]", "false", R"({"type":5})", R"({"type":[]})", R"({"anyOf":[]})", R"({"enum":5})",
        R"({"required":5})", R"({"items":5})", R"({"$ref":5})", R"({"properties":[]})",
        R"({"pattern":5,"type":"string"})", R"({"minLength":-1,"type":"string"})", R"({"minimum":"a","type":"number"})",
        R"({"$ref":"#/~2"})"}) {
    EXPECT_FALSE(JsonSchemaToGrammar(wrong).ok()) << wrong;
  }
  // References that double at each step.
  std::string doubling = R"({"$ref":"#/$defs/a0","$defs":{"a60":{"properties":{"x":{"minimum":1}}})";
  for (int i = 0; i < 60; ++i) {
    const std::string next = R"({"$ref":"#/$defs/a)" + std::to_string(i + 1) + "\"}";
    doubling += ",\"a" + std::to_string(i) + R"(":{"allOf":[)" + next + "," + next +
                R"(],"properties":{"x":{"maximum":)" + std::to_string(i) + "}}}";
  }
  EXPECT_FALSE(JsonSchemaToGrammar(doubling + "}}").ok());
  EXPECT_FALSE(JsonSchemaToGrammar(std::string(10000, '[')).ok());
  EXPECT_FALSE(JsonSchemaToGrammar(std::string((16U << 20U) + 1, ' ')).ok());
}

// Words of schemas, in each other at random.
class RandomSchemas {
 public:
  std::string Next(int depth = 0) {
    std::string text = "{";
    const auto add = [&](const std::string& member) { text += (text.size() > 1 ? "," : "") + member; };
    for (std::size_t n = random_() % 4; n > 0; --n) add(kWords[random_() % std::size(kWords)]);
    if (depth < 3 && random_() % 3 > 0) {
      const std::string a = Next(depth + 1);
      const std::string b = Next(depth + 1);
      const std::string nests[] = {R"("properties":{"a":)" + a + R"(,"b":)" + b + "}",
                                   R"("items":)" + a,
                                   R"("prefixItems":[)" + a + "," + b + "]",
                                   R"("anyOf":[)" + a + "," + b + "]",
                                   R"("oneOf":[)" + a + "," + b + "]",
                                   R"("allOf":[)" + a + "," + b + "]",
                                   R"("additionalProperties":)" + a};
      add(nests[random_() % std::size(nests)]);
    }
    return text + "}";
  }

 private:
  static constexpr const char* kWords[] = {R"("type":"string")",
                                           R"("type":"integer")",
                                           R"("type":["number","null"])",
                                           R"("type":"object")",
                                           R"("type":"array")",
                                           R"("minimum":-3)",
                                           R"("exclusiveMaximum":1e3)",
                                           R"("multipleOf":0.5)",
                                           R"("minLength":2)",
                                           R"("maxLength":3000)",
                                           R"("pattern":"^a|b+$")",
                                           R"("format":"email")",
                                           R"("minItems":2)",
                                           R"("maxItems":9)",
                                           R"("uniqueItems":true)",
                                           R"("enum":["a",1,null,[2]])",
                                           R"("const":3)",
                                           R"("required":["a"])",
                                           R"("additionalProperties":false)",
                                           R"("nullable":true)",
                                           R"("minProperties":1)",
                                           R"("maxProperties":2)",
                                           R"("title":"x")",
                                           R"("$ref":"#")",
                                           R"("$ref":"#/properties/a")",
                                           R"("patternProperties":{"^x":{}})",
                                           R"("propertyNames":{"maxLength":4})",
                                           R"("format":"int32")"};
  std::mt19937 random_{7};
};

// An answer for each, in little time; whatever becomes a grammar can be followed.
TEST(JsonSchema, SurvivesRandomSchemas) {
  RandomSchemas schemas;
  int good = 0;
  for (int round = 0; round < 2000; ++round) {
    const std::string schema = schemas.Next();
    const auto grammar = JsonSchemaToGrammar(schema);
    if (grammar.ok()) {
      ++good;
      ASSERT_TRUE(ParseGrammar(grammar.value(), nullptr).ok()) << schema;
    } else {
      ASSERT_EQ(grammar.status().code(), Code::kInvalidArgument);
      ASSERT_TRUE(grammar.status().message().starts_with("jsonSchema: #")) << schema << grammar.status().message();
    }
  }
  EXPECT_GT(good, 200);
}

}  // namespace
}  // namespace medinfer::testing
