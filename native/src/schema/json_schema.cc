#include "medinfer/json_schema.h"

#include <json-schema-to-grammar.h>

#include <algorithm>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "sampling/grammar_rules.h"
#include "schema/schema_reader.h"

namespace medinfer {
namespace {

constexpr std::size_t kMaxSchema = 64U << 10U;  // bytes
constexpr int kMaxNesting = 200;                // brackets; the JSON library frees and writes values recursively

Status Wrong(const std::string& what) { return {Code::kInvalidArgument, "jsonSchema: " + what}; }

bool NestsTooDeeply(const std::string& text) {
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '\\') ++i;
    if (c == '"') quoted = !quoted;
    if (quoted) continue;
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
    if (depth > kMaxNesting) return true;
  }
  return false;
}

// Rules of the converter that let through what is no JSON, or not what the schema says.
struct Correction {
  std::string_view theirs;
  std::string_view ours;
};
constexpr Correction kCorrections[] = {
    // Escaped surrogates count as one character in pairs, and alone as none.
    {R"([^"\\\x7F\x00-\x1F] | [\\] (["\\bfnrt] | "u" [0-9a-fA-F]{4}))",
     R"([^"\\\x7F\x00-\x1F] | [\\] (["\\bfnrt] | "u" ([0-9a-cA-CefEF] [0-9a-fA-F]{3} | [dD] [0-7] [0-9a-fA-F]{2})))"},
    // 1e999 is infinite where it is read.
    {R"(("-"? integral-part) ("." decimal-part)? ([eE] [-+]? integral-part)?)",
     R"(("-"? integral-part) ("." decimal-part)? ([eE] [-+]? ("0" | [1-9] [0-9]?))?)"},
    // Every month had 31 days.
    {R"([0-9]{4} "-" ( "0" [1-9] | "1" [0-2] ) "-" ( "0" [1-9] | [1-2] [0-9] | "3" [0-1] ))",
     R"([0-9]{4} "-" (("0" [13578] | "1" [02]) "-" ("0" [1-9] | [12] [0-9] | "3" [01]) | )"
     R"(("0" [469] | "11") "-" ("0" [1-9] | [12] [0-9] | "30") | "02-" ("0" [1-9] | "1" [0-9] | "2" [0-8])) | )"
     R"(([0-9]{2} ("0" [48] | [2468] [048] | [13579] [26]) | ([02468] [048] | [13579] [26]) "00") "-02-29")"},
};

void ReplaceAll(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
}

const std::string kKeyChar = std::string(kRulePrefix) + "key-char";

// Names of additional properties: any but those of the described ones. An escape could spell one of them all the same.
void CorrectKeys(std::string& rule) {
  ReplaceAll(rule, "[^\"", R"([^"\\\x7F\x00-\x1F)");
  ReplaceAll(rule, " char+", " " + kKeyChar + "+");
  ReplaceAll(rule, " char*", " " + kKeyChar + "*");
}

std::string Corrected(const std::string& grammar, const std::vector<std::string>& rules) {
  std::string text;
  bool keys = false;
  for (std::size_t begin = 0; begin < grammar.size();) {
    const std::size_t end = std::min(grammar.find('\n', begin), grammar.size());
    const std::string line = grammar.substr(begin, end - begin);
    begin = end + 1;
    const std::size_t name_end = line.find(" ::= ");
    if (name_end == std::string::npos) continue;
    std::string rule = line.substr(name_end + 5);
    for (const Correction& correction : kCorrections) {
      if (rule == correction.theirs) rule = correction.ours;
    }
    if (rule.starts_with("[\"] ( ")) {
      CorrectKeys(rule);
      keys = true;
    }
    for (std::size_t i = rules.size(); i-- > 0;) {
      const std::string name = std::string(kRulePrefix) + std::to_string(i);
      ReplaceAll(rule, "\"\\\"" + name + "\\\"\"", name);
    }
    text += line.substr(0, name_end + 5) + rule + "\n";
  }
  if (keys) text += kKeyChar + " ::= " + R"([^"\\\x7F\x00-\x1F])" + "\n";
  for (std::size_t i = 0; i < rules.size(); ++i) {
    text += std::string(kRulePrefix) + std::to_string(i) + " ::= " + rules[i] + "\n";
  }
  return text;
}

}  // namespace

Result<std::string> JsonSchemaToGrammar(const std::string& schema) {
  if (schema.size() > kMaxSchema) return Wrong("must hold at most 64 KiB");
  if (schema.find(kRulePrefix) != std::string::npos) return Wrong("must not hold the text " + std::string(kRulePrefix));
  if (NestsTooDeeply(schema)) return Wrong("is nested too deeply");
  std::string grammar;
  try {
    const Json root = Json::parse(schema);
    SchemaReader reader(root);
    const Json prepared = reader.Read();
    grammar = Corrected(json_schema_to_grammar(common_json::parse(prepared.dump())), reader.rules());
  } catch (const std::exception& error) {
    return Wrong(std::string(error.what()).substr(0, 400));
  }
  auto parsed = ParseGrammar(grammar, nullptr);
  if (!parsed.ok()) return Wrong("becomes a grammar that can not be followed: " + parsed.status().message());
  return grammar;
}

}  // namespace medinfer
