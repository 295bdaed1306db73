#include "text/detokenizer.h"

#include "llama.h"

namespace medinfer {

std::string TokenPiece(const llama_vocab* vocab, std::int32_t token, bool special) {
  std::string piece(32, '\0');
  auto size = static_cast<std::int32_t>(piece.size());
  std::int32_t n = llama_token_to_piece(vocab, token, piece.data(), size, 0, special);
  if (n < 0) {
    piece.resize(static_cast<std::size_t>(-n));
    n = llama_token_to_piece(vocab, token, piece.data(), -n, 0, special);
  }
  piece.resize(static_cast<std::size_t>(n > 0 ? n : 0));
  return piece;
}

}  // namespace medinfer
