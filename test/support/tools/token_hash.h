// One number for the tokens of many texts, to be compared with what another build of llama.cpp makes of them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "llama.h"
#include "random_text.h"

namespace medinfer::tools {

// Texts of special tokens, at most 64 of them, spread over the vocabulary. Without "</s>", which the release takes for
// a control token wherever it is, and the addon does not.
inline std::vector<std::string> SpecialTexts(const llama_vocab* vocab) {
  constexpr std::size_t kMost = 64;
  std::vector<std::string> all;
  for (llama_token token = 0; token < llama_vocab_n_tokens(vocab); ++token) {
    constexpr int kSpecial = LLAMA_TOKEN_ATTR_CONTROL | LLAMA_TOKEN_ATTR_USER_DEFINED | LLAMA_TOKEN_ATTR_UNKNOWN;
    const std::string text = llama_vocab_get_text(vocab, token);
    if ((llama_vocab_get_attr(vocab, token) & kSpecial) != 0 && text != "</s>") all.push_back(text);
  }
  std::vector<std::string> some;
  const std::size_t step = all.size() / kMost + 1;
  for (std::size_t i = 0; i < all.size(); i += step) some.push_back(all[i]);
  return some;
}

inline std::vector<llama_token> TokensOf(const llama_vocab* vocab, const std::string& text, bool add_special,
                                         bool parse_special) {
  std::vector<llama_token> tokens(text.size() + 16);
  const auto size = static_cast<std::int32_t>(text.size());
  std::int32_t n = llama_tokenize(vocab, text.data(), size, tokens.data(), static_cast<std::int32_t>(tokens.size()),
                                  add_special, parse_special);
  if (n < 0) {
    tokens.resize(static_cast<std::size_t>(-n));
    n = llama_tokenize(vocab, text.data(), size, tokens.data(), -n, add_special, parse_special);
  }
  tokens.resize(static_cast<std::size_t>(n));
  return tokens;
}

// FNV-1a over numbers.
class TokenHash {
 public:
  void Add(const std::vector<llama_token>& tokens) {
    AddNumber(static_cast<std::uint32_t>(tokens.size()));
    for (const llama_token token : tokens) AddNumber(static_cast<std::uint32_t>(token));
  }
  std::uint64_t value() const { return value_; }

 private:
  void AddNumber(std::uint32_t number) {
    for (int i = 0; i < 4; ++i) {
      value_ = (value_ ^ (number & 0xFFU)) * 0x100000001B3U;
      number >>= 8U;
    }
  }

  std::uint64_t value_ = 0xCBF29CE484222325U;
};

// Of the next `count` random texts, by turns with and without special tokens read, and put around.
inline std::uint64_t HashOfTexts(const llama_vocab* vocab, RandomText& texts, int count) {
  constexpr std::uint32_t kPieces = 24;  // short enough for the recursion of std::regex
  TokenHash hash;
  for (int i = 0; i < count; ++i) {
    hash.Add(TokensOf(vocab, texts.Next(kPieces), /*add_special=*/i % 4 >= 2, /*parse_special=*/i % 2 == 1));
  }
  return hash.value();
}

}  // namespace medinfer::tools
