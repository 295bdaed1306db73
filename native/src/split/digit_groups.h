// The one regular expression of the vocabularies that is more than an automaton can follow: it looks ahead over all
// digits. SuperBPE's, and as llama.cpp's own splitters of this kind, written by hand.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace medinfer {

// Matches the empty text wherever the digits that follow can be counted off in threes.
inline constexpr std::u32string_view kDigitGroupsRegex = U"(?=(\\d{3})+(?!\\d))";

// What RegexSplitter::Split would give for it: an empty piece for each match.
std::vector<std::size_t> SplitDigitGroups(std::u32string_view text, const std::vector<std::size_t>& lengths);

}  // namespace medinfer
