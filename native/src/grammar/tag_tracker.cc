#include "grammar/tag_tracker.h"

#include <utility>

namespace medinfer {
namespace {

// For each beginning of `tag`: how long the longest shorter beginning is that it ends with.
std::vector<std::size_t> Fallbacks(std::string_view tag) {
  std::vector<std::size_t> fallbacks(tag.size() + 1, 0);
  std::size_t length = 0;
  for (std::size_t i = 1; i < tag.size(); ++i) {
    while (length > 0 && tag[i] != tag[length]) length = fallbacks[length];
    if (tag[i] == tag[length]) ++length;
    fallbacks[i + 1] = length;
  }
  return fallbacks;
}

}  // namespace

TagPatterns::TagPatterns(ReasoningTags given)
    : tags(std::move(given)),
      skips_blanks(tags.blanks && !IsBlank(tags.open.front())),
      fallbacks(Fallbacks(tags.close)) {}

std::string_view TagTracker::Push(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (phase_ == Phase::kBefore) {
      Before(text[i]);
    } else {
      Inside(text[i]);
    }
    if (phase_ == Phase::kBehind || phase_ == Phase::kDirect) return text.substr(i + 1);
  }
  return {};
}

void TagTracker::Before(char c) {
  const std::string& open = patterns_->tags.open;
  if (c == open[matched_]) {
    if (++matched_ < open.size()) return;
    phase_ = Phase::kInside;
    matched_ = 0;
  } else if (matched_ > 0 || !patterns_->skips_blanks || !IsBlank(c) || ++blanks_ > kMaxBlanks) {
    phase_ = Phase::kDirect;
  }
}

void TagTracker::Inside(char c) {
  const std::string& close = patterns_->tags.close;
  while (matched_ > 0 && c != close[matched_]) matched_ = patterns_->fallbacks[matched_];
  if (c == close[matched_]) ++matched_;
  if (matched_ == close.size()) phase_ = Phase::kBehind;
}

}  // namespace medinfer
