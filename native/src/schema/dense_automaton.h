// An automaton as a table, in the making.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace medinfer {

inline constexpr std::int32_t kNoState = -1;

struct DenseAutomaton {
  struct State {
    bool accepting = false;
    std::vector<std::int32_t> next;  // by class of characters: a state, or kNoState
  };
  std::size_t classes = 0;
  std::vector<State> states;  // the first is the start

  // Drops states that are never reached, and those from which no end is. No state is left where the language is empty.
  void Trim();
  // The smallest automaton of the same language. REQUIRES: it is trimmed.
  void Minimize();

 private:
  // Keeps the states that `part` gives a number from 0 on, one of each number; that of the start must be 0.
  void Keep(const std::vector<std::int32_t>& part, std::size_t parts);
};

}  // namespace medinfer
