// Regular expressions of pre-tokenisers, and texts to cut by them: the first byte tells how many of the next ones are
// the expression. Whatever it is, it is refused, or its pieces make up the text, and cutting one piece after the other
// gives what cutting both at once gives.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <numeric>
#include <string>
#include <vector>

#include "split/digit_groups.h"
#include "split/regex_parser.h"
#include "split/regex_splitter.h"

namespace {

using Lengths = std::vector<std::size_t>;

std::size_t Sum(const Lengths& lengths) { return std::accumulate(lengths.begin(), lengths.end(), std::size_t{0}); }

// `cut` cuts a text that is in two pieces.
template <typename Cut>
void Check(const std::u32string& text, const Cut& cut) {
  const std::size_t half = text.size() / 2;
  const Lengths pieces = cut(text, Lengths{half, text.size() - half});
  Lengths apart = cut(text.substr(0, half), Lengths{half});
  const Lengths second = cut(text.substr(half), Lengths{text.size() - half});
  apart.insert(apart.end(), second.begin(), second.end());
  if (Sum(pieces) != text.size() || pieces != apart) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::u32string rest(data + 1, data + size);
  const std::size_t length = std::min<std::size_t>(data[0], rest.size());
  const std::u32string text = rest.substr(length);
  Check(text,
        [](const std::u32string& each, const Lengths& lengths) { return medinfer::SplitDigitGroups(each, lengths); });
  try {
    const medinfer::RegexSplitter splitter(rest.substr(0, length));
    Check(text, [&](const std::u32string& each, const Lengths& lengths) { return splitter.Split(each, lengths); });
  } catch (const medinfer::UnsupportedRegex&) {
    return 0;
  }
  return 0;
}
