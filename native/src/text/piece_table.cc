#include "text/piece_table.h"

#include <llama-vocab.h>

#include <algorithm>
#include <string>

namespace medinfer {

PieceTable::PieceTable(const llama_vocab* vocab) : vocab_(vocab) {
  const auto n_tokens = static_cast<std::int32_t>(vocab->n_tokens());
  tokens_.reserve(static_cast<std::size_t>(n_tokens));
  for (std::int32_t token = 0; token < n_tokens; ++token) {
    if (vocab->is_control(token) || vocab->is_eog(token)) continue;
    const std::string& piece = vocab->token_to_piece(token);
    if (piece.empty()) continue;
    tokens_.try_emplace(piece, token);
    longest_ = std::max(longest_, piece.size());
  }
  // What shows that nobody said it goes first. Vocabularies have runs of some of these; where one has none, a letter is
  // as good as any other character.
  std::size_t most = 1;
  for (const char filler : {' ', '-', '_', '.', '*', '=', '#', '0', 'x', 'a'}) {
    std::size_t size = most;
    while (size < longest_ && tokens_.contains(std::string(size + 1, filler))) ++size;
    if (size > most) {
      most = size;
      filler_ = filler;
    }
  }
}

bool PieceTable::Agrees(std::span<const std::int32_t> tokens, std::string_view text) const {
  for (const std::int32_t token : tokens) {
    const std::string_view piece = TextOf(token);
    if (piece.size() >= text.size()) return piece.starts_with(text);
    if (!text.starts_with(piece)) return false;
    text.remove_prefix(piece.size());
  }
  return true;
}

std::optional<std::vector<std::int32_t>> PieceTable::Segment(std::string_view text) const {
  std::vector<std::int32_t> tokens;
  while (!text.empty()) {
    const auto first = First(text);
    if (!first) return std::nullopt;
    tokens.push_back(*first);
    text.remove_prefix(TextOf(*first).size());
  }
  return tokens;
}

std::optional<std::int32_t> PieceTable::First(std::string_view text) const {
  for (std::size_t size = std::min(longest_, text.size()); size > 0; --size) {
    const auto found = tokens_.find(text.substr(0, size));
    if (found != tokens_.end()) return found->second;
  }
  return std::nullopt;
}

std::string_view PieceTable::TextOf(std::int32_t token) const { return vocab_->token_to_piece(token); }

}  // namespace medinfer
