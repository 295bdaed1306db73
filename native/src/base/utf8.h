// UTF-8 arithmetic on byte strings. Knows nothing of tokens.
#pragma once

#include <cstddef>
#include <string_view>

namespace medinfer {

// The length of the longest prefix of `bytes` that does not end inside a character. Bytes that cannot begin or
// continue a character count as whole: they will never become valid by waiting.
std::size_t CompleteUtf8Prefix(std::string_view bytes);

// Decides whether bytes that come in pieces are UTF-8, as the Unicode standard has it: no overlong form, no surrogate.
class Utf8Check {
 public:
  // False where the bytes cannot go on like this; the rest of them is not looked at then.
  bool Push(std::string_view bytes);
  // Whether no character is unfinished.
  bool Whole() const { return missing_ == 0; }

 private:
  unsigned char missing_ = 0;  // bytes of the current character
  unsigned char low_ = 0x80;   // range of the next of them
  unsigned char high_ = 0xBF;
};

}  // namespace medinfer
