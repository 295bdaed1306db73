// UTF-8 arithmetic on byte strings. Knows nothing of tokens.
#pragma once

#include <cstddef>
#include <string_view>

namespace medinfer {

// The length of the longest prefix of `bytes` that does not end inside a character. Bytes that can not begin or
// continue a character count as whole: they will never become valid by waiting.
std::size_t CompleteUtf8Prefix(std::string_view bytes);

}  // namespace medinfer
