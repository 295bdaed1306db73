#include "chat/import_grammar.h"

#include <cctype>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

namespace medinfer {
namespace {

bool IsNameStart(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }
bool IsNameChar(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-'; }

// The right side of a rule with other names. What stands in quotes and brackets is no name.
std::string Renamed(std::string_view body, const std::map<std::string, std::string, std::less<>>& names) {
  std::string text;
  char closing = 0;
  for (std::size_t i = 0; i < body.size(); ++i) {
    const char c = body[i];
    if (closing != 0) {
      text += c;
      if (c == '\\' && i + 1 < body.size()) {
        text += body[++i];
      } else if (c == closing) {
        closing = 0;
      }
    } else if (c == '"' || c == '[') {
      closing = c == '"' ? '"' : ']';
      text += c;
    } else if (IsNameStart(c)) {
      std::size_t end = i;
      while (end < body.size() && IsNameChar(body[end])) ++end;
      const auto found = names.find(body.substr(i, end - i));
      text += found == names.end() ? std::string(body.substr(i, end - i)) : found->second;
      i = end - 1;
    } else {
      text += c;
    }
  }
  return text;
}

}  // namespace

std::string ImportGrammar(RuleBook& book, const std::string& grammar) {
  std::map<std::string, std::string, std::less<>> names;
  std::vector<std::pair<std::string, std::string_view>> rules;
  const std::string_view text = grammar;
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t end = text.find('\n', begin);
    if (end == std::string_view::npos) end = text.size();
    const std::string_view line = text.substr(begin, end - begin);
    begin = end + 1;
    const std::size_t sign = line.find(" ::= ");
    if (sign == std::string_view::npos) continue;
    std::string name(line.substr(0, sign));
    names.emplace(name, book.Reserve(name == "root" ? "value" : name));
    rules.emplace_back(std::move(name), line.substr(sign + 5));
  }
  for (const auto& [name, body] : rules) book.Define(names.at(name), Renamed(body, names));
  return names.at("root");
}

}  // namespace medinfer
