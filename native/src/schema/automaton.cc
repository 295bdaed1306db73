#include "schema/automaton.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace medinfer {

Automaton Automaton::Of(const std::vector<CharSet>& classes, DenseAutomaton dense) {
  dense.Trim();
  dense.Minimize();
  Automaton automaton;
  for (const DenseAutomaton::State& state : dense.states) {
    std::map<std::int32_t, std::vector<CharSet::Range>> targets;
    for (std::size_t c = 0; c < classes.size(); ++c) {
      if (state.next[c] == kNoState) continue;
      std::vector<CharSet::Range>& ranges = targets[state.next[c]];
      ranges.insert(ranges.end(), classes[c].ranges().begin(), classes[c].ranges().end());
    }
    State& made = automaton.states_.emplace_back();
    made.accepting = state.accepting;
    for (auto& [target, ranges] : targets) {
      made.edges.push_back({CharSet(std::move(ranges)), static_cast<std::size_t>(target)});
    }
  }
  return automaton;
}

Automaton Automaton::OfTerm(RegexTerms& terms, RegexTerms::Id term) {
  const std::vector<CharSet> classes = terms.Classes();
  DenseAutomaton dense;
  dense.classes = classes.size();
  std::vector<RegexTerms::Id> languages;
  std::unordered_map<RegexTerms::Id, std::int32_t> numbers;
  const auto number_of = [&](RegexTerms::Id language) {
    if (language == terms.Nothing()) return kNoState;
    const auto [found, added] = numbers.try_emplace(language, static_cast<std::int32_t>(languages.size()));
    if (added) languages.push_back(language);
    if (languages.size() > kMaxStates) throw TooLarge("needs too many rules");
    return found->second;
  };
  number_of(term);
  for (std::size_t i = 0; i < languages.size(); ++i) {
    const RegexTerms::Id language = languages[i];
    DenseAutomaton::State state{terms.Nullable(language), {}};
    state.next.reserve(classes.size());
    for (const CharSet& set : classes) {
      state.next.push_back(number_of(terms.Derivative(language, set.ranges()[0].first)));
    }
    dense.states.push_back(std::move(state));
  }
  return Of(classes, std::move(dense));
}

Automaton Automaton::OfWords(std::vector<std::string> words) {
  // A tree, in which a state comes before those behind it.
  struct Branch {
    bool accepting = false;
    std::map<std::uint32_t, std::size_t> next;
  };
  std::sort(words.begin(), words.end());
  std::vector<Branch> tree(1);
  for (const std::string& word : words) {
    std::size_t at_branch = 0;
    for (std::size_t at = 0; at < word.size();) {
      const auto [found, added] = tree[at_branch].next.try_emplace(NextCodePoint(word, at), tree.size());
      at_branch = found->second;
      if (added) tree.emplace_back();
    }
    tree[at_branch].accepting = true;
  }
  Automaton automaton;
  if (words.empty()) return automaton;
  // From the ends on, branches that go on alike become one. States are numbered backwards until all are known.
  std::map<std::pair<bool, std::map<std::uint32_t, std::size_t>>, std::size_t> known;
  std::vector<std::size_t> state_of(tree.size());
  std::vector<std::pair<bool, std::map<std::uint32_t, std::size_t>>> made;
  for (std::size_t i = tree.size(); i-- > 0;) {
    for (auto& [c, next] : tree[i].next) next = state_of[next];
    std::pair<bool, std::map<std::uint32_t, std::size_t>> state{tree[i].accepting, std::move(tree[i].next)};
    const auto [found, added] = known.try_emplace(state, made.size());
    if (added) made.push_back(std::move(state));
    state_of[i] = found->second;
  }
  automaton.states_.resize(made.size());
  for (std::size_t i = 0; i < made.size(); ++i) {
    std::map<std::size_t, std::vector<CharSet::Range>> targets;
    for (const auto& [c, next] : made[i].second) targets[made.size() - 1 - next].push_back({c, c});
    State& state = automaton.states_[made.size() - 1 - i];
    state.accepting = made[i].first;
    for (auto& [target, ranges] : targets) state.edges.push_back({CharSet(std::move(ranges)), target});
  }
  return automaton;
}

bool Automaton::Takes(const std::string& text) const {
  if (states_.empty()) return false;
  const State* state = states_.data();
  for (std::size_t at = 0; at < text.size();) {
    const std::uint32_t c = NextCodePoint(text, at);
    const auto taken = [&](const Edge& edge) { return edge.set.Contains(c); };
    const auto found = std::find_if(state->edges.begin(), state->edges.end(), taken);
    if (found == state->edges.end()) return false;
    state = &states_[found->target];
  }
  return state->accepting;
}

}  // namespace medinfer
