// Finds stop strings in a stream of text and decides what may be shown already.
//
// Invariants:
//   - what Push and Flush return, joined, is a prefix of all text pushed, and holds no stop string;
//   - nothing is returned that could still turn out to be the beginning of a stop string;
//   - of several stop strings the one that begins earliest wins; of two that begin together, the shorter, which the
//     stream completes first: so the outcome does not depend on how the text was cut into pieces;
//   - a stop string holds a control token's text wholly or not at all: "<" does not stop at "<|pad|>";
//   - returned text never ends inside a UTF-8 character, except at Flush.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "medinfer/events.h"

namespace medinfer {

class StopMatcher {
 public:
  // REQUIRES: no empty stop string.
  explicit StopMatcher(std::vector<std::string> stops) : stops_(std::move(stops)) {}

  // Takes more text and returns what may be shown now. `control`: it is what a control token is written as.
  // REQUIRES: !stopped()
  std::vector<Text> Push(std::string_view text, bool control = false);

  // The stream has ended: returns what was held back. A stop string that lay behind an unfinished earlier one counts
  // now, so stopped() may become true. REQUIRES: !stopped()
  std::vector<Text> Flush();

  bool stopped() const { return match_.has_value(); }
  // REQUIRES: stopped()
  const std::string& match() const { return stops_[*match_]; }

 private:
  enum class Kind : char { kText, kControl, kControlRest };  // of a byte; kControl: a control token's first

  std::vector<Text> Scan(bool at_end);
  std::vector<Text> Take(std::size_t n);
  bool InsideControl(std::size_t at) const { return at < kinds_.size() && kinds_[at] == Kind::kControlRest; }

  std::vector<std::string> stops_;
  std::string held_;                  // pushed, not yet returned; begins where a stop string may begin
  std::vector<Kind> kinds_;           // of held_
  std::optional<std::size_t> match_;  // into stops_
};

}  // namespace medinfer
