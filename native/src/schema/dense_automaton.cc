#include "schema/dense_automaton.h"

#include <utility>

namespace medinfer {

void DenseAutomaton::Keep(const std::vector<std::int32_t>& part, std::size_t parts) {
  std::vector<State> kept(parts);
  for (std::size_t i = 0; i < states.size(); ++i) {
    if (part[i] == kNoState) continue;
    State& state = kept[static_cast<std::size_t>(part[i])];
    if (!state.next.empty()) continue;
    state = states[i];
    for (std::int32_t& next : state.next) {
      if (next != kNoState) next = part[static_cast<std::size_t>(next)];
    }
  }
  states = std::move(kept);
}

// Drops states that are never reached, and those from which no end is.
void DenseAutomaton::Trim() {
  if (states.empty()) return;
  std::vector<std::vector<std::int32_t>> before(states.size());
  std::vector<bool> reached(states.size());
  std::vector<std::int32_t> open{0};
  reached[0] = true;
  while (!open.empty()) {
    const std::int32_t at = open.back();
    open.pop_back();
    for (const std::int32_t next : states[at].next) {
      if (next == kNoState) continue;
      before[next].push_back(at);
      if (reached[next]) continue;
      reached[next] = true;
      open.push_back(next);
    }
  }
  std::vector<bool> ends(states.size());
  for (std::size_t i = 0; i < states.size(); ++i) {
    if (!reached[i] || !states[i].accepting) continue;
    ends[i] = true;
    open.push_back(static_cast<std::int32_t>(i));
  }
  while (!open.empty()) {
    const std::int32_t at = open.back();
    open.pop_back();
    for (const std::int32_t previous : before[at]) {
      if (ends[previous]) continue;
      ends[previous] = true;
      open.push_back(previous);
    }
  }
  if (!ends[0]) {
    states.clear();
    return;
  }
  std::vector<std::int32_t> part(states.size(), kNoState);
  std::int32_t parts = 0;
  for (std::size_t i = 0; i < states.size(); ++i) {
    if (ends[i]) part[i] = parts++;
  }
  Keep(part, static_cast<std::size_t>(parts));
}

// Hopcroft's algorithm. The missing transitions lead to one more state, the last.
void DenseAutomaton::Minimize() {
  if (states.empty()) return;
  const std::size_t sink = states.size();
  const std::size_t count = sink + 1;
  std::vector<std::size_t> order(count);                  // states, those of a block side by side
  std::vector<std::size_t> place(count);                  // of a state in `order`
  std::vector<std::size_t> block(count);                  // of a state
  std::vector<std::size_t> begin{0};                      // of a block in `order`
  std::vector<std::size_t> end;                           // of a block in `order`
  std::vector<std::size_t> marked;                        // of a block: so many at its beginning
  std::vector<std::pair<std::size_t, std::size_t>> open;  // block, class
  const auto accepts = [&](std::size_t state) { return state != sink && states[state].accepting; };

  std::size_t filled = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (accepts(i)) order[filled++] = i;
  }
  end.push_back(filled);
  begin.push_back(filled);
  for (std::size_t i = 0; i < count; ++i) {
    if (!accepts(i)) order[filled++] = i;
  }
  end.push_back(filled);
  marked.assign(2, 0);
  for (std::size_t i = 0; i < count; ++i) place[order[i]] = i;
  for (std::size_t i = 0; i < count; ++i) block[i] = accepts(i) ? 0 : 1;

  // States by class and by where it leads, as one list for each class.
  const std::size_t n_classes = classes;
  const auto next_of = [&](std::size_t state, std::size_t c) {
    if (state == sink || states[state].next[c] == kNoState) return sink;
    return static_cast<std::size_t>(states[state].next[c]);
  };
  std::vector<std::vector<std::uint32_t>> first(n_classes, std::vector<std::uint32_t>(count + 1));
  std::vector<std::vector<std::uint32_t>> before(n_classes, std::vector<std::uint32_t>(count));
  for (std::size_t c = 0; c < n_classes; ++c) {
    for (std::size_t i = 0; i < count; ++i) ++first[c][next_of(i, c) + 1];
    for (std::size_t i = 0; i < count; ++i) first[c][i + 1] += first[c][i];
    std::vector<std::uint32_t> fill(first[c].begin(), first[c].end() - 1);
    for (std::size_t i = 0; i < count; ++i) before[c][fill[next_of(i, c)]++] = static_cast<std::uint32_t>(i);
  }

  for (std::size_t c = 0; c < n_classes; ++c) {
    open.push_back({0, c});
    open.push_back({1, c});
  }
  std::vector<std::size_t> touched;
  std::vector<std::size_t> splitters;
  while (!open.empty()) {
    const auto [splitter, c] = open.back();
    open.pop_back();
    splitters.assign(order.begin() + static_cast<std::ptrdiff_t>(begin[splitter]),
                     order.begin() + static_cast<std::ptrdiff_t>(end[splitter]));
    for (const std::size_t target : splitters) {
      for (std::size_t i = first[c][target]; i < first[c][target + 1]; ++i) {
        const std::size_t state = before[c][i];
        const std::size_t of = block[state];
        const std::size_t to = begin[of] + marked[of];
        if (place[state] < to) continue;  // marked already
        if (marked[of]++ == 0) touched.push_back(of);
        const std::size_t other = order[to];
        std::swap(order[place[state]], order[to]);
        place[other] = place[state];
        place[state] = to;
      }
    }
    for (const std::size_t of : touched) {
      const std::size_t split = begin[of] + marked[of];
      marked[of] = 0;
      if (split == end[of]) continue;
      // The smaller half becomes a block of its own: then only its states have to be looked at again.
      const std::size_t made = begin.size();
      const bool front = split - begin[of] <= end[of] - split;
      begin.push_back(front ? begin[of] : split);
      end.push_back(front ? split : end[of]);
      (front ? begin[of] : end[of]) = split;
      marked.push_back(0);
      for (std::size_t i = begin[made]; i < end[made]; ++i) block[order[i]] = made;
      for (std::size_t each = 0; each < n_classes; ++each) open.push_back({made, each});
    }
    touched.clear();
  }

  std::vector<std::int32_t> number(begin.size(), kNoState);
  std::vector<std::int32_t> part(states.size(), kNoState);
  std::int32_t parts = 0;
  for (std::size_t i = 0; i < states.size(); ++i) {
    if (block[i] == block[sink]) continue;
    std::int32_t& mine = number[block[i]];
    if (mine == kNoState) mine = parts++;
    part[i] = mine;
  }
  Keep(part, static_cast<std::size_t>(parts));
}

}  // namespace medinfer
