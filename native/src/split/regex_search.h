// Looks for matches of one automaton in one text. An attempt that looks far behind the end of its match, or for
// nothing, leaves a trace, and later attempts that come to the same state at the same place end there: so not even
// `\s+$` on a million blanks before a word takes more than linear time.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "split/regex_automaton.h"

namespace medinfer {

class RegexSearch {
 public:
  // `automaton` outlives the search.
  RegexSearch(const RegexAutomaton& automaton, std::u32string_view text);

  // Where the preferred match ends that begins at `at`, in a text that ends at `end`. One place of the text is always
  // looked at with the same end.
  std::optional<std::size_t> MatchAt(std::size_t at, std::size_t end);

 private:
  void LeaveTrace(std::size_t at, std::size_t from, std::size_t to, std::size_t end);

  const RegexAutomaton& automaton_;
  std::vector<RegexAutomaton::Class> classes_;  // of the text's symbols
  // By place: a state from which no match comes there, and kNowhere where none is known.
  std::vector<RegexAutomaton::State> hopeless_;
};

}  // namespace medinfer
