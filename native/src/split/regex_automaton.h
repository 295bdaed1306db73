// A regular expression as a table: one step per symbol, whatever the expression. All of it is made beforehand, so it
// can be used by any number of threads at once.
//
// A step says whether the text before its symbol is a match, because `$` and lookahead can be decided only then;
// behind the last symbol of a text there is one more step, with end().
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace medinfer {

class RegexAutomaton {
 public:
  using State = std::uint16_t;
  using Class = std::uint8_t;  // symbols that no part of the expression distinguishes

  static constexpr State kNowhere = 0;  // nothing can match any more
  static constexpr State kStart = 1;

  struct Step {
    State next = kNowhere;
    bool matched = false;  // a match ends before the symbol of this step; a later one is preferred to it
  };

  // Throws UnsupportedRegex.
  explicit RegexAutomaton(std::u32string_view regex);

  Class Classify(char32_t symbol) const {
    return symbol < low_classes_.size() ? low_classes_[symbol] : FindClass(symbol);
  }
  Class end() const { return static_cast<Class>(n_classes_ - 1); }
  Step Next(State state, Class by) const { return steps_[state * n_classes_ + by]; }

 private:
  friend class RegexAutomatonBuilder;

  struct Interval {
    char32_t first;
    Class is;
  };

  Class FindClass(char32_t symbol) const;

  std::array<Class, 256> low_classes_{};
  std::vector<Interval> intervals_;  // sorted, from 0 on without a gap
  std::size_t n_classes_ = 0;        // with end()
  std::vector<Step> steps_;          // by state and class
};

}  // namespace medinfer
