// Finds stop strings in a stream of text and decides what may be shown already.
//
// Invariants:
//   - what Push and Flush return, joined, is a prefix of all text pushed, and holds no stop string;
//   - nothing is returned that could still turn out to be the beginning of a stop string;
//   - of several stop strings the one that begins earliest wins; of two that begin together, the shorter, which the
//     stream completes first: so the outcome does not depend on how the text was cut into pieces;
//   - returned text never ends inside a UTF-8 character, except at Flush.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace medinfer {

class StopMatcher {
 public:
  // REQUIRES: no empty stop string.
  explicit StopMatcher(std::vector<std::string> stops) : stops_(std::move(stops)) {}

  // Takes more text and returns what may be shown now. REQUIRES: !stopped()
  std::string Push(std::string_view text);

  // The stream has ended: returns what was held back. A stop string that lay behind an unfinished earlier one counts
  // now, so stopped() may become true. REQUIRES: !stopped()
  std::string Flush();

  bool stopped() const { return match_.has_value(); }
  // REQUIRES: stopped()
  const std::string& match() const { return stops_[*match_]; }

 private:
  std::string Scan(bool at_end);

  std::vector<std::string> stops_;
  std::string held_;                  // pushed, not yet returned; begins where a stop string may begin
  std::optional<std::size_t> match_;  // into stops_
};

}  // namespace medinfer
