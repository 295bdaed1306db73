#include "split/regex_search.h"

#include <algorithm>

namespace medinfer {
namespace {

// Symbols looked at in vain before it is worth while to remember them.
constexpr std::size_t kFar = 64;

}  // namespace

RegexSearch::RegexSearch(const RegexAutomaton& automaton, std::u32string_view text)
    : automaton_(automaton), classes_(text.size()) {
  std::ranges::transform(text, classes_.begin(), [&](char32_t symbol) { return automaton.Classify(symbol); });
}

std::optional<std::size_t> RegexSearch::MatchAt(std::size_t at, std::size_t end) {
  std::optional<std::size_t> match;
  RegexAutomaton::State state = RegexAutomaton::kStart;
  std::size_t place = at;
  while (true) {
    if (place < hopeless_.size() && hopeless_[place] == state) break;
    const RegexAutomaton::Step step = automaton_.Next(state, place < end ? classes_[place] : automaton_.end());
    if (step.matched) match = place;
    state = step.next;
    if (state == RegexAutomaton::kNowhere) break;
    ++place;
  }
  const std::size_t known = match.value_or(at);
  if (place - known > kFar) LeaveTrace(at, known, place, end);
  return match;
}

// Takes the way of MatchAt once more. No match ends behind `from`.
void RegexSearch::LeaveTrace(std::size_t at, std::size_t from, std::size_t to, std::size_t end) {
  if (hopeless_.empty()) hopeless_.resize(classes_.size() + 1, RegexAutomaton::kNowhere);
  RegexAutomaton::State state = RegexAutomaton::kStart;
  for (std::size_t place = at; place < to; ++place) {
    if (place > from) hopeless_[place] = state;
    state = automaton_.Next(state, place < end ? classes_[place] : automaton_.end()).next;
  }
}

}  // namespace medinfer
