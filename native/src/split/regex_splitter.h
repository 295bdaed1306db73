// Cuts text as llama.cpp cuts it with std::regex, whose search calls itself for every symbol of the text and, with some
// texts, looks at everything again from each place: the same pieces, without recursion and in linear time.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "split/regex_automaton.h"

namespace medinfer {

// Immutable, so that threads can share it.
class RegexSplitter {
 public:
  // Throws UnsupportedRegex.
  explicit RegexSplitter(std::u32string_view regex) : automaton_(regex) {}

  // The lengths of all matches and of what lies between them, in order. Text is cut already into pieces of `lengths`,
  // each of which is searched as if it were alone.
  std::vector<std::size_t> Split(std::u32string_view text, const std::vector<std::size_t>& lengths) const;

 private:
  RegexAutomaton automaton_;
};

}  // namespace medinfer
