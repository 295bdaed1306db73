// Writes a given text as tokens, whatever the tokenizer would make of it: for texts that are forced.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

struct llama_vocab;

namespace medinfer {

class PieceTable {
 public:
  // Reads the whole vocabulary. `vocab` outlives it.
  explicit PieceTable(const llama_vocab* vocab);

  // The longest token that the text begins with; nothing: the vocabulary has none.
  std::optional<std::int32_t> First(std::string_view text) const;
  std::string_view TextOf(std::int32_t token) const;

  // The longest token at each place, from the beginning on: no control token, and of equal ones the first. Their texts
  // together are the text. Nothing: the vocabulary has none for some place.
  std::optional<std::vector<std::int32_t>> Segment(std::string_view text) const;

  // Whether one of both, the tokens' texts together and `text`, begins with the other.
  bool Agrees(std::span<const std::int32_t> tokens, std::string_view text) const;

  // The ASCII character that, written many times, takes the fewest tokens.
  char Filler() const { return filler_; }

 private:
  const llama_vocab* vocab_;
  char filler_ = ' ';
  std::unordered_map<std::string_view, std::int32_t> tokens_;  // by what they are written as, which the vocabulary owns
  std::size_t longest_ = 0;
};

}  // namespace medinfer
