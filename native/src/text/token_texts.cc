#include "text/token_texts.h"

#include <llama-vocab.h>

namespace medinfer {

TokenTexts::TokenTexts(const llama_vocab* vocab, const std::vector<std::string>& named) : vocab_(vocab) {
  for (const std::string& text : named) {
    const llama_token token = vocab->text_to_token(text);
    if (token != LLAMA_TOKEN_NULL && vocab->is_control(token)) named_.insert(token);
  }
}

std::string_view TokenTexts::Of(std::int32_t token) const {
  constexpr auto kHidden = static_cast<std::uint32_t>(LLAMA_TOKEN_ATTR_CONTROL | LLAMA_TOKEN_ATTR_UNKNOWN);
  const auto attr = static_cast<std::uint32_t>(vocab_->token_get_attr(token));
  const bool hidden = (attr & kHidden) != 0 && (attr & LLAMA_TOKEN_ATTR_USER_DEFINED) == 0;
  if (hidden && !IsNamed(token)) return {};
  return Written(token);
}

std::string_view TokenTexts::Written(std::int32_t token) const { return vocab_->token_to_piece(token); }

}  // namespace medinfer
