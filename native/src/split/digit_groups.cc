#include "split/digit_groups.h"

namespace medinfer {
namespace {

constexpr std::size_t kGroup = 3;

bool IsDigit(char32_t symbol) { return symbol >= U'0' && symbol <= U'9'; }

}  // namespace

std::vector<std::size_t> SplitDigitGroups(std::u32string_view text, const std::vector<std::size_t>& lengths) {
  std::vector<std::size_t> pieces;
  pieces.reserve(lengths.size());
  std::size_t begin = 0;
  for (const std::size_t length : lengths) {
    const std::size_t end = begin + length;
    std::size_t done = begin;
    for (std::size_t at = begin; at < end;) {
      std::size_t behind = at;
      while (behind < end && IsDigit(text[behind])) ++behind;
      for (std::size_t match = at + (behind - at) % kGroup; match < behind; match += kGroup) {
        if (match > done) pieces.push_back(match - done);
        pieces.push_back(0);
        done = match;
      }
      at = behind == at ? at + 1 : behind;
    }
    if (done < end) pieces.push_back(end - done);
    begin = end;
  }
  return pieces;
}

}  // namespace medinfer
