// Deterministic finite automata over characters.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "schema/dense_automaton.h"
#include "schema/regex_terms.h"
#include "text/char_set.h"

namespace medinfer {

// States 0 (the start) to size() - 1. Every state can be reached, and an accepting one can be reached from every state,
// unless the language is empty: then there are no states. No smaller automaton has the same language.
class Automaton {
 public:
  static constexpr std::size_t kMaxStates = 8000;  // before it is made small

  struct Edge {
    CharSet set;
    std::size_t target;
  };
  struct State {
    bool accepting = false;
    std::vector<Edge> edges;  // one for each target; their sets do not overlap
  };

  // Throws TooLarge.
  static Automaton OfTerm(RegexTerms& terms, RegexTerms::Id term);
  // Of the given texts, in UTF-8.
  static Automaton OfWords(std::vector<std::string> words);
  // `classes` do not overlap. States may be of no use.
  static Automaton Of(const std::vector<CharSet>& classes, DenseAutomaton dense);

  bool empty() const { return states_.empty(); }
  const std::vector<State>& states() const { return states_; }
  bool Takes(const std::string& text) const;

 private:
  std::vector<State> states_;
};

}  // namespace medinfer
