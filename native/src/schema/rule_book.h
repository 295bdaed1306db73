// The rules of a GBNF grammar in the making.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "schema/regex_terms.h"
#include "text/char_set.h"

namespace medinfer {

class RuleBook {
 public:
  static constexpr long kUnbounded = RegexTerms::kUnbounded;

  // The name of a rule with this right side; equal ones are one rule. `hint` becomes part of the name.
  std::string Add(std::string_view hint, const std::string& body);
  // A rule that is defined later, and only once.
  std::string Reserve(std::string_view hint);
  void Define(const std::string& name, const std::string& body);

  // One of the rules that all JSON needs: space, colon, comma, value, object, array, string, char, boolean, null.
  std::string Builtin(std::string_view name);

  // `item`, a name, a class or a literal, from `least` to `most` times. The rules grow with the square root of a count,
  // and llama.cpp's own limit of 2000 is kept. `most`: kUnbounded, or not below `least`.
  std::string Repeat(const std::string& item, long least, long most);

  // The whole grammar; `root` is what it begins with.
  std::string Text(const std::string& root) const;
  std::size_t bytes() const { return bytes_; }

 private:
  std::string Name(std::string_view hint);
  std::string Exactly(const std::string& item, long count);
  std::string UpTo(const std::string& item, long count);

  std::set<std::string, std::less<>> names_{"root"};
  std::unordered_map<std::string, std::string> by_body_;
  std::unordered_map<std::string, int> next_number_;
  std::vector<std::pair<std::string, std::string>> rules_;
  std::size_t bytes_ = 0;
};

// One symbol, or several, behind another; either may be empty.
std::string InRow(const std::string& first, const std::string& second);

// A text as GBNF writes it, quotes included.
std::string GbnfLiteral(std::string_view text);

// REQUIRES: the set is not empty.
std::string GbnfClass(const CharSet& set);

}  // namespace medinfer
