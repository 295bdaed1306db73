#include "text/char_set.h"

#include <algorithm>

namespace medinfer {
namespace {

constexpr std::uint32_t kLast = 0x10FFFF;

}  // namespace

CharSet::CharSet(std::vector<Range> ranges) {
  std::sort(ranges.begin(), ranges.end());
  for (const Range& range : ranges) {
    if (!ranges_.empty() && range.first <= ranges_.back().second + 1) {
      ranges_.back().second = std::max(ranges_.back().second, range.second);
    } else {
      ranges_.push_back(range);
    }
  }
}

const CharSet& CharSet::Texts() {
  static const CharSet texts({{'\t', '\n'}, {'\r', '\r'}, {0x20, 0x7E}, {0xA0, 0xD7FF}, {0xE000, kLast}});
  return texts;
}

CharSet CharSet::Union(const CharSet& other) const {
  std::vector<Range> both = ranges_;
  both.insert(both.end(), other.ranges_.begin(), other.ranges_.end());
  return CharSet(std::move(both));
}

CharSet CharSet::Intersection(const CharSet& other) const {
  CharSet both;
  for (std::size_t i = 0, j = 0; i < ranges_.size() && j < other.ranges_.size();) {
    const Range part{std::max(ranges_[i].first, other.ranges_[j].first),
                     std::min(ranges_[i].second, other.ranges_[j].second)};
    if (part.first <= part.second) both.ranges_.push_back(part);
    ranges_[i].second < other.ranges_[j].second ? ++i : ++j;
  }
  return both;
}

CharSet CharSet::Complement() const {
  CharSet rest;
  std::uint32_t next = 0;
  for (const Range& range : ranges_) {
    if (range.first > next) rest.ranges_.push_back({next, range.first - 1});
    next = range.second + 1;
  }
  if (next <= kLast) rest.ranges_.push_back({next, kLast});
  return rest;
}

bool CharSet::Contains(std::uint32_t c) const {
  const auto behind = std::upper_bound(ranges_.begin(), ranges_.end(), Range{c, UINT32_MAX});
  return behind != ranges_.begin() && std::prev(behind)->second >= c;
}

std::uint32_t NextCodePoint(std::string_view text, std::size_t& at) {
  const auto first = static_cast<unsigned char>(text[at]);
  const std::size_t length = first < 0xC0 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  if (length == 1 || at + length > text.size()) {
    ++at;
    return first;
  }
  std::uint32_t value = first & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) value = value << 6U | (static_cast<unsigned char>(text[at + i]) & 0x3FU);
  at += length;
  return value;
}

void AppendUtf8(std::string& text, std::uint32_t c) {
  const auto tail = [&](std::uint32_t shift) { text += static_cast<char>(0x80U | (c >> shift & 0x3FU)); };
  if (c < 0x80) {
    text += static_cast<char>(c);
  } else if (c < 0x800) {
    text += static_cast<char>(0xC0U | c >> 6U);
    tail(0);
  } else if (c < 0x10000) {
    text += static_cast<char>(0xE0U | c >> 12U);
    tail(6);
    tail(0);
  } else {
    text += static_cast<char>(0xF0U | c >> 18U);
    tail(12);
    tail(6);
    tail(0);
  }
}

}  // namespace medinfer
