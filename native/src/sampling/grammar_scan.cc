#include "sampling/grammar_scan.h"

#include <algorithm>
#include <cctype>
#include <string>

namespace medinfer {
namespace {

constexpr int kMaxDepth = 200;           // parentheses
constexpr long kMaxRepetitions = 2000;   // llama.cpp's MAX_REPETITION_THRESHOLD
constexpr double kMaxElements = 500000;  // of all rules, repetitions written out

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
        Quoted(c == '[' ? ']' : '"');
        return {};
      case '<':
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

  // A literal or a class of characters: one element for each character, or less.
  void Quoted(char end) {
    const std::size_t begin = at_;
    while (at_ < text_.size() && text_[at_] != end) at_ += text_[at_] == '\\' ? 2 : 1;
    at_ = std::min(at_ + 1, text_.size());
    Item(static_cast<double>(at_ - begin));
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
