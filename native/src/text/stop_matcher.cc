#include "text/stop_matcher.h"

#include "base/utf8.h"

namespace medinfer {

std::vector<Text> StopMatcher::Push(std::string_view text, bool control) {
  held_ += text;
  kinds_.resize(held_.size(), control ? Kind::kControlRest : Kind::kText);
  if (control && !text.empty()) kinds_[held_.size() - text.size()] = Kind::kControl;
  return Scan(/*at_end=*/false);
}

std::vector<Text> StopMatcher::Flush() { return Scan(/*at_end=*/true); }

std::vector<Text> StopMatcher::Scan(bool at_end) {
  std::size_t shown = held_.size();
  for (std::size_t at = 0; at < shown && !stops_.empty(); ++at) {
    if (InsideControl(at)) continue;
    const std::string_view rest = std::string_view(held_).substr(at);
    for (std::size_t i = 0; i < stops_.size(); ++i) {
      const std::string_view stop = stops_[i];
      if (rest.starts_with(stop) && !InsideControl(at + stop.size())) {
        if (!match_ || stop.size() < stops_[*match_].size()) match_ = i;
        shown = at;
      } else if (!at_end && stop.starts_with(rest)) {
        shown = at;
      }
    }
  }
  if (match_) {
    std::vector<Text> last = Take(shown);
    held_.clear();
    kinds_.clear();
    return last;
  }
  if (!at_end) shown = CompleteUtf8Prefix(std::string_view(held_).substr(0, shown));
  return Take(shown);
}

// The first `n` bytes of what is held.
std::vector<Text> StopMatcher::Take(std::size_t n) {
  std::vector<Text> texts;
  for (std::size_t begin = 0; begin < n;) {
    const bool control = kinds_[begin] != Kind::kText;
    std::size_t end = begin + 1;
    while (end < n && (kinds_[end] != Kind::kText) == control) ++end;
    texts.push_back({held_.substr(begin, end - begin), control});
    begin = end;
  }
  held_.erase(0, n);
  kinds_.erase(kinds_.begin(), kinds_.begin() + static_cast<std::ptrdiff_t>(n));
  return texts;
}

}  // namespace medinfer
