#include "grammar/grammar_memo.h"

#include <algorithm>
#include <utility>

namespace medinfer {

Result<std::unique_ptr<GrammarConstraint>> GrammarMemo::Read(const std::string& grammar, std::uint32_t max_blanks,
                                                             std::optional<char> filler) {
  const auto known = std::ranges::find_if(entries_, [&](const Entry& entry) {
    return entry.max_blanks == max_blanks && entry.filler == filler && entry.grammar == grammar;
  });
  if (known != entries_.end()) {
    entries_.splice(entries_.begin(), entries_, known);
    return known->read->Copy();
  }
  auto made = GrammarConstraint::Create(vocab_, grammar, max_blanks);
  if (!made.ok()) return made;
  if (filler) made.value()->FindShortest(*filler);
  if (grammar.size() > kLongest) return made;
  entries_.push_front({grammar, max_blanks, filler, made.value()->Copy()});
  if (entries_.size() > kMostGrammars) entries_.pop_back();
  return made;
}

}  // namespace medinfer
