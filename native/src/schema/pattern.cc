#include "schema/pattern.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <utility>
#include <vector>

namespace medinfer {
namespace {

constexpr std::size_t kMaxPattern = 1000;  // bytes
constexpr int kMaxDepth = 50;

using Range = std::pair<std::uint32_t, std::uint32_t>;
using Ranges = std::vector<Range>;

// What a JSON string holds as it is: neither controls, quote, backslash nor surrogates.
const Ranges kPlain = {{0x20, 0x21}, {0x23, 0x5B}, {0x5D, 0x7E}, {0xA0, 0xD7FF}, {0xE000, 0x10FFFF}};
const Ranges kDigits = {{'0', '9'}};
const Ranges kWord = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
const Ranges kSpace = {{' ', ' '}};  // of those that \s matches, the one that JSON writes as it is
const Ranges kLineEnds = {{0x2028, 0x2029}};

struct Unsupported : std::runtime_error {
  using std::runtime_error::runtime_error;
};

Ranges Intersect(const Ranges& a, const Ranges& b) {
  Ranges both;
  for (const Range& x : a) {
    for (const Range& y : b) {
      const Range part{std::max(x.first, y.first), std::min(x.second, y.second)};
      if (part.first <= part.second) both.push_back(part);
    }
  }
  return both;
}

Ranges Complement(Ranges ranges) {
  std::sort(ranges.begin(), ranges.end());
  Ranges rest;
  std::uint32_t next = 0;
  for (const Range& range : ranges) {
    if (range.first > next) rest.push_back({next, range.first - 1});
    next = std::max(next, range.second + 1);
  }
  if (next <= 0x10FFFF) rest.push_back({next, 0x10FFFF});
  return rest;
}

std::string Escaped(std::uint32_t c) {
  if (c < 0x80 && std::isalnum(static_cast<int>(c)) != 0) return std::string(1, static_cast<char>(c));
  std::array<char, 16> text{};
  const int length = std::snprintf(text.data(), text.size(), c < 0x100 ? "\\x%02X" : "\\U%08X", c);
  return {text.data(), static_cast<std::size_t>(length)};
}

std::string ClassOf(const Ranges& wanted) {
  const Ranges ranges = Intersect(wanted, kPlain);
  if (ranges.empty()) throw Unsupported("matches only characters that JSON must escape");
  std::string text = "[";
  for (const auto& [from, to] : ranges) {
    text += Escaped(from);
    if (from != to) {
      text += '-';
      text += Escaped(to);
    }
  }
  return text + "]";
}

class Translator {
 public:
  explicit Translator(std::string_view text) : text_(text) {}

  std::string Run() {
    std::string rule = Alternatives(0);
    if (at_ < text_.size()) throw Unsupported("has a ) without a (");
    return rule;
  }

 private:
  bool More() const { return at_ < text_.size(); }

  bool Take(std::string_view token) {
    if (!text_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    return true;
  }

  std::string Alternatives(int depth) {
    if (depth > kMaxDepth) throw Unsupported("is nested too deeply");
    std::string rule = Sequence(depth);
    while (Take("|")) rule += " | " + Sequence(depth);
    return rule;
  }

  std::string Sequence(int depth) {
    std::string rule;
    while (More() && text_[at_] != '|' && text_[at_] != ')') {
      if (!rule.empty()) rule += ' ';
      rule += Item(depth);
      rule += Quantifier();
    }
    return rule.empty() ? "\"\"" : rule;
  }

  std::string Item(int depth) {
    if (Take("(")) {
      if (!Take("?:") && More() && text_[at_] == '?') throw Unsupported("has a group that is not plain");
      std::string group = "(" + Alternatives(depth + 1) + ")";
      if (!Take(")")) throw Unsupported("has a ( without a )");
      return group;
    }
    if (Take("[")) return Class();
    if (Take(".")) return ClassOf(Complement(kLineEnds));
    if (const char c = text_[at_]; std::string_view("*+?{}]^$").find(c) != std::string_view::npos) {
      throw Unsupported(std::string("has a ") + c + " where it can not stand");
    }
    if (text_[at_] == '\\' && at_ + 1 < text_.size()) {
      if (const Ranges* named = Named(text_[at_ + 1])) {
        at_ += 2;
        return ClassOf(*named);
      }
    }
    const std::uint32_t c = Character();
    if (c == '"') return R"("\\\"")";
    if (c == '\\') return R"("\\\\")";
    return ClassOf({{c, c}});
  }

  static const Ranges* Named(char letter) {
    switch (letter) {
      case 'd':
        return &kDigits;
      case 'w':
        return &kWord;
      case 's':
        return &kSpace;
      default:
        return nullptr;
    }
  }

  // One character, escaped or not.
  std::uint32_t Character() {
    if (!Take("\\")) return CodePoint();
    if (!More()) throw Unsupported("ends with a backslash");
    const char c = text_[at_];
    if (c == 'u' && at_ + 5 <= text_.size()) {
      std::uint32_t value = 0;
      for (std::size_t i = 1; i <= 4; ++i) {
        const char digit = text_[at_ + i];
        if (std::isxdigit(static_cast<unsigned char>(digit)) == 0) throw Unsupported("has an unknown escape");
        value = value * 16 + static_cast<std::uint32_t>(std::isdigit(static_cast<unsigned char>(digit)) != 0
                                                            ? digit - '0'
                                                            : std::tolower(digit) - 'a' + 10);
      }
      at_ += 5;
      return value;
    }
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      throw Unsupported(std::string("has the escape \\") + c + ", which is not supported");
    }
    return CodePoint();
  }

  std::uint32_t CodePoint() {
    const auto first = static_cast<unsigned char>(text_[at_]);
    const std::size_t length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (at_ + length > text_.size()) throw Unsupported("is not UTF-8");
    std::uint32_t value = length == 1 ? first : first & (0xFFU >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
      value = value << 6U | (static_cast<unsigned char>(text_[at_ + i]) & 0x3FU);
    }
    at_ += length;
    return value;
  }

  std::string Class() {
    const bool negated = Take("^");
    Ranges ranges;
    while (More() && text_[at_] != ']') {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) {
        if (const Ranges* named = Named(text_[at_ + 1])) {
          // The complement of a part of \s would hold the rest of it.
          if (negated && named == &kSpace) throw Unsupported("has \\s in a negated class");
          ranges.insert(ranges.end(), named->begin(), named->end());
          at_ += 2;
          continue;
        }
      }
      const std::uint32_t from = Character();
      std::uint32_t to = from;
      if (at_ + 1 < text_.size() && text_[at_] == '-' && text_[at_ + 1] != ']') {
        ++at_;
        to = Character();
      }
      if (to < from) throw Unsupported("has a range whose end comes first");
      ranges.push_back({from, to});
    }
    if (!Take("]")) throw Unsupported("has a [ without a ]");
    return ClassOf(negated ? Complement(ranges) : ranges);
  }

  std::string Quantifier() {
    std::string quantifier;
    if (More() && std::string_view("*+?").find(text_[at_]) != std::string_view::npos) {
      quantifier = text_[at_++];
    } else if (More() && text_[at_] == '{') {
      const std::size_t end = text_.find('}', at_);
      if (end == std::string_view::npos) throw Unsupported("has a { without a }");
      quantifier = text_.substr(at_, end - at_ + 1);
      at_ = end + 1;
    }
    if (!quantifier.empty()) Take("?");  // lazy: a whole string matches alike
    return quantifier;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

Result<std::string> PatternRule(const std::string& pattern) {
  const auto wrong = [](const std::string& what) { return Status(Code::kInvalidArgument, what); };
  if (pattern.size() > kMaxPattern) return wrong("must hold at most 1000 bytes");
  const std::size_t before = pattern.size() < 2 ? 0 : pattern.find_last_not_of('\\', pattern.size() - 2);
  const bool escaped = (pattern.size() - before) % 2 != 0;  // the $, by an odd number of backslashes
  if (pattern.size() < 2 || !pattern.starts_with('^') || !pattern.ends_with('$') || escaped) {
    return wrong("must begin with ^ and end with $");
  }
  try {
    const std::string inner = Translator(std::string_view(pattern).substr(1, pattern.size() - 2)).Run();
    return "\"\\\"\" (" + inner + ") \"\\\"\"";
  } catch (const Unsupported& error) {
    return wrong(error.what());
  }
}

}  // namespace medinfer
