#include "grammar/scan.h"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <string>
#include <vector>

#include "text/char_set.h"

namespace medinfer {
namespace {

constexpr int kMaxDepth = 200;            // parentheses
constexpr long kMaxRepetitions = 2000;    // llama.cpp's MAX_REPETITION_THRESHOLD
constexpr double kMaxElements = 1000000;  // of all rules, repetitions written out

// What a text can hold: neither nulls nor surrogates.
const CharSet kCharacters({{1, 0xD7FF}, {0xE000, 0x10FFFF}});

constexpr long kMaxToken = 2147483647;

bool IsWord(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-'; }

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  Status Run() {
    while (at_ < text_.size()) {
      const std::size_t begin = at_;
      if (Status status = Next(); !status.ok()) return status;
      if (elements_ > kMaxElements) return Wrong(begin, "repetitions make the grammar too large");
    }
    return {};
  }

 private:
  Status Wrong(std::size_t at, const std::string& what) const {
    return {Code::kInvalidArgument, "grammar: " + what + " (" + PlaceIn(text_, at) + ")"};
  }

  Status Next() {
    const char c = text_[at_++];
    switch (c) {
      case '#':
        while (at_ < text_.size() && text_[at_] != '\n' && text_[at_] != '\r') ++at_;
        return {};
      case '"':
      case '[':
        return c == '[' ? Class() : Literal();
      case '<':
        if (TokenNumber() > kMaxToken) return Wrong(at_, "there is no token of such a number");
        while (at_ < text_.size() && text_[at_] != '>') ++at_;
        if (at_ < text_.size()) ++at_;
        Item(1);
        return {};
      case '(':
        if (++depth_ > kMaxDepth) return Wrong(at_ - 1, "parentheses are nested too deeply: at most 200");
        return {};
      case ')':
        --depth_;
        Item(1);
        return {};
      case '*':
      case '+':
      case '?':
        elements_ += item_ + 3;
        return {};
      case '{':
        return Repetition(at_ - 1);
      default:
        if (IsWord(c)) {
          while (at_ < text_.size() && IsWord(text_[at_])) ++at_;
          Item(1);
        } else if (c == '.') {
          Item(1);
        }
        return {};
    }
  }

  void Item(double elements) {
    item_ = elements;
    elements_ += elements;
  }

  // A text: one element for each character.
  Status Literal() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && text_[at_] != '"') {
      const std::size_t place = at_;
      if (!kCharacters.Contains(Character())) {
        return Wrong(place, "a text never holds this character, a null or half of a pair: leave it out");
      }
    }
    at_ = std::min(at_ + 1, text_.size());
    Item(static_cast<double>(at_ - begin));
    return {};
  }

  // A class of characters: one element for each, or less.
  Status Class() {
    const std::size_t begin = at_;
    const bool negated = at_ < text_.size() && text_[at_] == '^';
    if (negated) ++at_;
    std::vector<CharSet::Range> ranges;
    while (at_ < text_.size() && text_[at_] != ']') {
      const std::size_t place = at_;
      const std::uint32_t from = Character();
      std::uint32_t to = from;
      if (at_ + 1 < text_.size() && text_[at_] == '-' && text_[at_ + 1] != ']') {
        ++at_;
        to = Character();
      }
      if (to < from) return Wrong(place, "a range of characters is written with the lower one first, as in [a-z]");
      ranges.emplace_back(from, to);
    }
    if (at_ >= text_.size()) return {};  // left to the parser
    ++at_;
    const CharSet listed(std::move(ranges));
    // llama.cpp takes a class without characters for the empty text, [^] too.
    if (listed.empty() || (negated ? listed.Complement() : listed).Intersection(kCharacters).empty()) {
      return Wrong(begin - 1, "a class holds no character that a text can hold: name one");
    }
    Item(static_cast<double>(at_ - begin));
    return {};
  }

  // Escapes that there are not are left to the parser.
  std::uint32_t Character() {
    if (text_[at_] != '\\' || at_ + 1 >= text_.size()) return NextCodePoint(text_, at_);
    const char c = text_[at_ + 1];
    at_ += 2;
    const std::size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (digits == 0) {
      return c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : static_cast<unsigned char>(c);
    }
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < digits && at_ < text_.size(); ++i, ++at_) {
      const char digit = text_[at_];
      if (std::isxdigit(static_cast<unsigned char>(digit)) == 0) return 1;
      value = value * 16 + static_cast<std::uint32_t>(std::isdigit(static_cast<unsigned char>(digit)) != 0
                                                          ? digit - '0'
                                                          : (digit | 0x20) - 'a' + 10);
    }
    return value;
  }

  // Of <[5]>; 0: the token is written otherwise.
  long TokenNumber() const {
    if (at_ >= text_.size() || text_[at_] != '[') return 0;
    long value = 0;
    for (std::size_t at = at_ + 1; at < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at])) != 0;
         ++at) {
      value = std::min(kMaxToken + 1, value * 10 + (text_[at] - '0'));
    }
    return value;
  }

  void Blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }

  // -1: there is no number here.
  long Number() {
    Blanks();
    long value = -1;
    for (; at_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_])) != 0; ++at_) {
      value = std::min(kMaxRepetitions + 1, std::max(0L, value) * 10 + (text_[at_] - '0'));
    }
    Blanks();
    return value;
  }

  Status Repetition(std::size_t begin) {
    const long least = Number();
    const bool range = at_ < text_.size() && text_[at_] == ',';
    if (range) ++at_;
    const long given = range ? Number() : least;
    if (least < 0 || at_ >= text_.size() || text_[at_] != '}') {
      return Wrong(begin, "a repetition is written {m}, {m,} or {m,n}");
    }
    ++at_;
    if (least > kMaxRepetitions || given > kMaxRepetitions) {
      return Wrong(begin, "a repetition count is at most 2000");
    }
    if (given >= 0 && given < least) return Wrong(begin, "a repetition's maximum is less than its minimum");
    const double times = static_cast<double>(std::max(least, given)) + 1;
    elements_ += (item_ + 3) * times;
    item_ *= times;
    return {};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
  double item_ = 0;      // elements of the item that a repetition here would repeat
  double elements_ = 0;  // of all, at most
};

}  // namespace

Status ScanGrammar(std::string_view text) { return Scanner(text).Run(); }

std::string PlaceIn(std::string_view text, std::size_t at) {
  const std::string_view before = text.substr(0, at);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::size_t begin = before.rfind('\n') + 1;  // npos + 1 is 0
  return "line " + std::to_string(line) + ", column " + std::to_string(at - begin + 1);
}

}  // namespace medinfer
