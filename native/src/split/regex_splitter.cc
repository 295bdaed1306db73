#include "split/regex_splitter.h"

#include <optional>

#include "base/pacer.h"
#include "split/regex_search.h"

namespace medinfer {

std::vector<std::size_t> RegexSplitter::Split(std::u32string_view text, const std::vector<std::size_t>& lengths) const {
  RegexSearch search(automaton_, text);
  std::vector<std::size_t> pieces;
  pieces.reserve(lengths.size());
  std::size_t begin = 0;
  for (const std::size_t length : lengths) {
    const std::size_t end = begin + length;
    std::size_t done = begin;
    for (std::size_t at = begin; at < end;) {
      YieldPoint();
      const std::optional<std::size_t> match_end = search.MatchAt(at, end);
      if (!match_end) {
        ++at;
        continue;
      }
      if (at > done) pieces.push_back(at - done);
      pieces.push_back(*match_end - at);
      at = done = *match_end;
    }
    if (done < end) pieces.push_back(end - done);
    begin = end;
  }
  return pieces;
}

}  // namespace medinfer
