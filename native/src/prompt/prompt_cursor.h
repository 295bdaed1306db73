// How far a prompt is read: the chunk that comes next, and the positions of the tokens.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "kv/cell_key.h"
#include "prompt/prepared_prompt.h"

namespace medinfer {

// Most tokens of prompts in a forward pass whose logits are wanted beside those that a draw needs: rows of logits take
// memory, 0.6 MB each with a vocabulary of 150,000.
inline constexpr std::uint32_t kMostPromptLogits = 64;

class PromptCursor {
 public:
  PromptCursor() = default;
  explicit PromptCursor(PreparedPrompt prompt) : prompt_(std::move(prompt)) {}

  const PreparedPrompt& prompt() const { return prompt_; }
  std::uint32_t n_tokens() const { return prompt_.n_tokens; }
  // Tokens of the prompt that are in the cache.
  std::uint32_t done() const { return done_; }
  // Whether tokens of the prompt are left.
  bool reading() const { return chunk_ < prompt_.chunks.size(); }

  // The chunk that is read next. REQUIRES: reading().
  const PromptChunk& chunk() const { return prompt_.chunks[chunk_]; }
  // Tokens of it that are in the cache, and that are not.
  std::uint32_t chunk_done() const { return chunk_done_; }
  std::uint32_t chunk_left() const;
  // Position of its first token; behind the prompt, of the next token.
  std::int32_t chunk_position() const { return position_; }
  // Position of the next token, where that is text.
  std::int32_t next_position() const { return position_ + static_cast<std::int32_t>(chunk_done_); }
  // The next `n` tokens. REQUIRES: the chunk is text and has them.
  std::span<const std::int32_t> NextText(std::uint32_t n) const;
  // REQUIRES: the chunk is media.
  const MediaChunk& CurrentMedia() const { return std::get<MediaChunk>(chunk()); }
  // The text right behind the chunk; null: there is none.
  const TextChunk* TextBehind() const;
  // Whether all that is read is text, and what is read next.
  bool text_so_far() const;
  // Whether the prompt ends after its next `n` tokens.
  bool EndsAfter(std::uint32_t n) const;

  // Cells up to the end of the last image without embeddings: they can only be found. 0: there is no such image.
  std::uint32_t n_unreadable() const;
  // Gives the images the embeddings of the same prompt.
  void TakeEmbeddings(const PreparedPrompt& encoded);

  // From here on the logits behind every token of a text are wanted, and behind the last of each image.
  void WantLogits() { logits_from_ = 0; }
  // Whether some are, still.
  bool wants_logits() const { return logits_from_ < prompt_.n_tokens; }
  // The first token whose logits are.
  std::uint32_t logits_from() const { return logits_from_; }
  // Of the next `n` tokens of the chunk, how many of the last have logits that somebody wants: those, and those of the
  // prompt's last token.
  std::uint32_t LogitsOf(std::uint32_t n) const;
  // Those of the next `n` tokens are dealt with.
  void TakeLogits(std::uint32_t n);

  // The next `n` tokens of the chunk are in the cache now.
  void Advance(std::uint32_t n);
  // The next `n` tokens, of however many chunks, were in the cache already.
  void Skip(std::uint32_t n);
  // A token behind the prompt is in the cache now. REQUIRES: !reading().
  void AdvanceBehind() { ++position_; }
  // Back to the start; `tokens` are read behind what the prompt was so far.
  void Rewind(std::span<const std::int32_t> tokens);

  // The most cells of a match of `n` that may be used: whole pages, not all of the prompt (its last token has to be
  // computed, to have logits, and so has every token whose logits are wanted), no part of a chunk of media. REQUIRES:
  // the prompt has tokens.
  std::uint32_t UsableMatch(std::uint32_t n, std::uint32_t page_size) const;

  // The same, but for media, which may be cut: what follows has to be there as well.
  std::uint32_t MostOfMatch(std::uint32_t n, std::uint32_t page_size) const {
    return std::min({n, prompt_.n_tokens - 1, logits_from_}) / page_size * page_size;
  }

  // Names the cells of the prompt. Media that nothing else has gets keys from `unique`, which counts on.
  std::vector<CellKey> CellKeys(std::uint64_t& unique) const;

 private:
  PreparedPrompt prompt_;
  std::size_t chunk_ = 0;
  std::uint32_t chunk_done_ = 0;
  std::uint32_t done_ = 0;
  std::int32_t position_ = 0;
  std::uint32_t logits_from_ = std::numeric_limits<std::uint32_t>::max();
};

}  // namespace medinfer
