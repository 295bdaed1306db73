// Sets of Unicode code points, as sorted ranges.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace medinfer {

class CharSet {
 public:
  using Range = std::pair<std::uint32_t, std::uint32_t>;  // both ends are in it

  CharSet() = default;
  // In any order; they may overlap. REQUIRES: the first of each range is not above its second.
  explicit CharSet(std::vector<Range> ranges);

  // What a text of a JSON string may hold here: everything but controls other than \t, \n and \r, and surrogates.
  static const CharSet& Texts();

  CharSet Union(const CharSet& other) const;
  CharSet Intersection(const CharSet& other) const;
  // Of all code points.
  CharSet Complement() const;
  bool Contains(std::uint32_t c) const;

  bool empty() const { return ranges_.empty(); }
  bool single() const { return ranges_.size() == 1 && ranges_[0].first == ranges_[0].second; }
  const std::vector<Range>& ranges() const { return ranges_; }  // sorted, apart from each other
  bool operator<(const CharSet& other) const { return ranges_ < other.ranges_; }
  bool operator==(const CharSet& other) const { return ranges_ == other.ranges_; }

 private:
  std::vector<Range> ranges_;
};

// The character that begins at `at`, which is moved behind it. What is not UTF-8 counts byte by byte.
std::uint32_t NextCodePoint(std::string_view text, std::size_t& at);

void AppendUtf8(std::string& text, std::uint32_t c);

}  // namespace medinfer
