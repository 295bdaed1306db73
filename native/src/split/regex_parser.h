// Reads the regular expressions by which vocabularies split text: the part of ECMAScript that they use.
#pragma once

#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "split/symbol_set.h"

namespace medinfer {

// A regular expression that cannot be matched in linear time here, or is none. The message says what is in the way.
class UnsupportedRegex : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct RegexNode {
  enum class Kind : std::uint8_t {
    kSymbol,    // one symbol of `set`
    kSequence,  // `children` one behind the other; without any, the empty text
    kChoice,    // the first of `children` that leads to a match
    kRepeat,    // `children[0]`, as often as it goes, `min` to `max` times
    kAhead,     // a symbol of `set` follows, or `negated`: none of it does
  };
  static constexpr std::uint32_t kNoLimit = std::numeric_limits<std::uint32_t>::max();

  Kind kind = Kind::kSequence;
  SymbolSet set;
  bool negated = false;
  std::uint32_t min = 0;
  std::uint32_t max = 0;
  std::vector<RegexNode> children;

  bool MatchesEmpty() const;
};

// Takes symbols, classes, \s \d \w and their opposites, groups, alternatives, greedy quantifiers, `$`, and lookahead at
// one symbol. As in std::regex, all classes hold ASCII alone: llama.cpp brings other symbols down to it before. Throws
// UnsupportedRegex.
RegexNode ParseRegex(std::u32string_view pattern);

}  // namespace medinfer
