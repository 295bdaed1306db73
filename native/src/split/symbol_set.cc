#include "split/symbol_set.h"

#include <algorithm>

namespace medinfer {

void SymbolSet::Add(const SymbolSet& other) {
  std::vector<Range> all(ranges_);
  all.insert(all.end(), other.ranges_.begin(), other.ranges_.end());
  std::ranges::sort(all, {}, &Range::first);
  ranges_.clear();
  for (const Range& range : all) {
    if (!ranges_.empty() && range.first <= ranges_.back().last + 1) {
      ranges_.back().last = std::max(ranges_.back().last, range.last);
    } else {
      ranges_.push_back(range);
    }
  }
}

SymbolSet SymbolSet::Complement() const {
  SymbolSet others;
  char32_t next = 0;
  for (const Range& range : ranges_) {
    if (range.first > next) others.ranges_.push_back({next, range.first - 1});
    next = range.last + 1;
  }
  if (next <= kLast) others.ranges_.push_back({next, kLast});
  return others;
}

bool SymbolSet::Contains(char32_t symbol) const {
  return std::ranges::any_of(ranges_,
                             [symbol](const Range& range) { return range.first <= symbol && symbol <= range.last; });
}

}  // namespace medinfer
