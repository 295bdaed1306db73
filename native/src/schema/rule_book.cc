#include "schema/rule_book.h"

#include <array>
#include <cctype>
#include <cstdio>

namespace medinfer {
namespace {

constexpr std::size_t kMaxHint = 24;  // bytes of a name
constexpr long kBlock = 1000;         // repetitions that are written out; llama.cpp takes at most 2000

struct BuiltinRule {
  std::string_view name;
  std::string_view body;
};
// A backslash escapes one character; surrogates are left out, of which a pair would be one and a single one none.
constexpr std::array<BuiltinRule, 10> kBuiltins = {{
    {"space", R"(| " " | "\n"{1,2} [ \t]{0,20})"},
    {"colon", R"(space ":" space)"},
    {"comma", R"("," space)"},
    {"char",
     R"([^"\\\x7F\x00-\x1F] | "\\" (["\\bfnrt] | "u" ([0-9a-cA-CefEF] [0-9a-fA-F]{3} | [dD] [0-7] [0-9a-fA-F]{2})))"},
    {"string", R"("\"" char* "\"")"},
    {"boolean", R"("true" | "false")"},
    {"null", R"("null")"},
    {"value", R"(object | array | string | number | boolean | null)"},
    {"object", R"("{" space (string colon value (comma string colon value)*)? space "}")"},
    {"array", R"("[" space (value (comma value)*)? space "]")"},
}};

const BuiltinRule* FindBuiltin(std::string_view name) {
  for (const BuiltinRule& rule : kBuiltins) {
    if (rule.name == name) return &rule;
  }
  return nullptr;
}

bool IsNameChar(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

std::string ClassChar(std::uint32_t c) {
  if (c < 0x80 && (IsNameChar(static_cast<char>(c)) || c == ' ' || c == '_' || c == '.')) {
    return std::string(1, static_cast<char>(c));
  }
  std::array<char, 16> text{};
  const char* form = c < 0x100 ? "\\x%02X" : c < 0x10000 ? "\\u%04X" : "\\U%08X";
  const int length = std::snprintf(text.data(), text.size(), form, c);
  return {text.data(), static_cast<std::size_t>(length)};
}

}  // namespace

std::string InRow(const std::string& first, const std::string& second) {
  return first.empty() || second.empty() ? first + second : first + " " + second;
}

std::string GbnfLiteral(std::string_view text) {
  std::string literal = "\"";
  for (const char c : text) {
    switch (c) {
      case '"':
      case '\\':
        literal += '\\';
        literal += c;
        break;
      case '\n':
        literal += "\\n";
        break;
      case '\r':
        literal += "\\r";
        break;
      default:
        literal += c;
    }
  }
  return literal + "\"";
}

std::string GbnfClass(const CharSet& set) {
  std::string text = "[";
  for (const auto& [from, to] : set.ranges()) {
    text += ClassChar(from);
    if (to > from + 1) text += '-';
    if (to > from) text += ClassChar(to);
  }
  return text + "]";
}

std::string RuleBook::Name(std::string_view hint) {
  std::string name;
  for (const char c : hint) {
    if (name.size() == kMaxHint) break;
    if (IsNameChar(c))
      name += c;
    else if (!name.empty() && name.back() != '-')
      name += '-';
  }
  while (name.ends_with('-')) name.pop_back();
  if (name.empty()) name = "rule";
  std::string numbered = name;
  // A name with a number is never a builtin's, nor that of a rule that llama.cpp makes: those have an underscore.
  while (FindBuiltin(numbered) != nullptr || numbered == "number" || numbered == "integer" ||
         !names_.insert(numbered).second) {
    numbered = name + "-" + std::to_string(++next_number_[name]);
  }
  return numbered;
}

std::string RuleBook::Add(std::string_view hint, const std::string& body) {
  if (const auto found = by_body_.find(body); found != by_body_.end()) return found->second;
  std::string name = Name(hint);
  by_body_.emplace(body, name);
  Define(name, body);
  return name;
}

std::string RuleBook::Reserve(std::string_view hint) { return Name(hint); }

void RuleBook::Define(const std::string& name, const std::string& body) {
  bytes_ += name.size() + body.size() + 6;
  rules_.emplace_back(name, body);
}

std::string RuleBook::Builtin(std::string_view name) {
  const BuiltinRule* builtin = FindBuiltin(name);
  if (builtin == nullptr || !names_.insert(std::string(name)).second) return std::string(name);
  Define(std::string(name), std::string(builtin->body));
  for (const BuiltinRule& other : kBuiltins) {
    // Whole words of the body that name another one.
    for (std::size_t at = builtin->body.find(other.name); at != std::string_view::npos;
         at = builtin->body.find(other.name, at + 1)) {
      const std::size_t end = at + other.name.size();
      const bool whole = (at == 0 || !IsNameChar(builtin->body[at - 1])) &&
                         (end == builtin->body.size() || !IsNameChar(builtin->body[end]));
      if (whole) Builtin(other.name);
    }
  }
  return std::string(name);
}

std::string RuleBook::Exactly(const std::string& item, long count) {
  if (count == 0) return "";
  if (count == 1) return item;
  if (count <= kBlock) return item + "{" + std::to_string(count) + "}";
  const std::string block = Add("block", Exactly(item, kBlock));
  std::string text = Exactly(block, count / kBlock);
  const std::string rest = Exactly(item, count % kBlock);
  return rest.empty() ? text : text + " " + rest;
}

// Whole blocks, then what is less than one: so the number of blocks need not be known before.
std::string RuleBook::UpTo(const std::string& item, long count) {
  if (count == 0) return "";
  if (count == 1) return item + "?";
  if (count <= kBlock) return item + "{0," + std::to_string(count) + "}";
  const std::string block = Add("block", Exactly(item, kBlock));
  const long blocks = count / kBlock;
  const std::string few = item + "{0," + std::to_string(kBlock - 1) + "}";
  const std::string last = UpTo(item, count % kBlock);
  std::string all = Exactly(block, blocks);
  if (!last.empty()) all += " " + last;
  const std::string fewer = UpTo(block, blocks - 1);
  return Add("up-to", (fewer.empty() ? few : fewer + " " + few) + " | " + all);
}

std::string RuleBook::Repeat(const std::string& item, long least, long most) {
  if (most == kUnbounded) {
    if (least == 0) return item + "*";
    if (least == 1) return item + "+";
    return Exactly(item, least) + " " + item + "*";
  }
  if (least <= kBlock && most <= kBlock && least > 0) {
    if (least == most) return Exactly(item, least);
    return item + "{" + std::to_string(least) + "," + std::to_string(most) + "}";
  }
  const std::string first = Exactly(item, least);
  const std::string more = UpTo(item, most - least);
  return first.empty() || more.empty() ? first + more : first + " " + more;
}

std::string RuleBook::Text(const std::string& root) const {
  std::string text = "root ::= " + root + "\n";
  text.reserve(bytes_ + text.size());
  for (const auto& [name, body] : rules_) text.append(name).append(" ::= ").append(body).append("\n");
  return text;
}

}  // namespace medinfer
