#include "text/stop_matcher.h"

#include <utility>

#include "text/utf8.h"

namespace medinfer {

std::string StopMatcher::Push(std::string_view text) {
  held_ += text;
  return Scan(/*at_end=*/false);
}

std::string StopMatcher::Flush() { return Scan(/*at_end=*/true); }

std::string StopMatcher::Scan(bool at_end) {
  std::size_t shown = held_.size();
  for (std::size_t at = 0; at < shown; ++at) {
    const std::string_view rest = std::string_view(held_).substr(at);
    for (std::size_t i = 0; i < stops_.size(); ++i) {
      const std::string_view stop = stops_[i];
      if (rest.starts_with(stop)) {
        if (!match_ || stop.size() < stops_[*match_].size()) match_ = i;
        shown = at;
      } else if (!at_end && stop.starts_with(rest)) {
        shown = at;
      }
    }
  }
  if (match_) {
    held_.resize(shown);
    return std::exchange(held_, {});
  }
  if (!at_end) shown = CompleteUtf8Prefix(std::string_view(held_).substr(0, shown));
  std::string text = held_.substr(0, shown);
  held_.erase(0, shown);
  return text;
}

}  // namespace medinfer
