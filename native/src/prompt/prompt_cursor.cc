#include "prompt/prompt_cursor.h"

#include <algorithm>
#include <cstring>
#include <iterator>

namespace medinfer {
namespace {

std::uint32_t Tokens(const PromptChunk& chunk) {
  if (const auto* text = std::get_if<TextChunk>(&chunk)) return static_cast<std::uint32_t>(text->size());
  return std::get<MediaChunk>(chunk).n_tokens;
}

std::int32_t Positions(const PromptChunk& chunk) {
  if (const auto* text = std::get_if<TextChunk>(&chunk)) return static_cast<std::int32_t>(text->size());
  return std::get<MediaChunk>(chunk).n_pos;
}

}  // namespace

std::uint32_t PromptCursor::chunk_left() const { return Tokens(chunk()) - chunk_done_; }

std::span<const std::int32_t> PromptCursor::NextText(std::uint32_t n) const {
  return std::span(std::get<TextChunk>(chunk())).subspan(chunk_done_, n);
}

bool PromptCursor::text_so_far() const {
  const auto seen = std::span(prompt_.chunks).first(std::min(chunk_ + 1, prompt_.chunks.size()));
  return std::ranges::all_of(seen, [](const PromptChunk& chunk) { return std::holds_alternative<TextChunk>(chunk); });
}

bool PromptCursor::EndsAfter(std::uint32_t n) const {
  return chunk_ + 1 == prompt_.chunks.size() && chunk_done_ + n == Tokens(chunk());
}

const TextChunk* PromptCursor::TextBehind() const {
  return chunk_ + 1 < prompt_.chunks.size() ? std::get_if<TextChunk>(&prompt_.chunks[chunk_ + 1]) : nullptr;
}

std::uint32_t PromptCursor::n_unreadable() const {
  if (prompt_.source == nullptr) return 0;
  std::uint32_t end = 0;
  std::uint32_t unreadable = 0;
  for (const PromptChunk& each : prompt_.chunks) {
    end += Tokens(each);
    const auto* media = std::get_if<MediaChunk>(&each);
    if (media != nullptr && media->embedding == nullptr) unreadable = end;
  }
  return unreadable;
}

void PromptCursor::TakeEmbeddings(const PreparedPrompt& encoded) {
  auto from = encoded.chunks.begin();
  for (PromptChunk& each : prompt_.chunks) {
    auto* media = std::get_if<MediaChunk>(&each);
    if (media == nullptr) continue;
    while (!std::holds_alternative<MediaChunk>(*from)) ++from;
    media->embedding = std::get<MediaChunk>(*from++).embedding;
  }
  prompt_.source.reset();
  prompt_.n_images_left = 0;
}

std::uint32_t PromptCursor::LogitsOf(std::uint32_t n) const {
  const std::uint32_t last = EndsAfter(n) ? 1 : 0;
  const std::uint32_t end = done_ + n;
  if (end <= logits_from_) return last;
  if (std::holds_alternative<MediaChunk>(chunk())) return n == chunk_left() ? 1 : last;
  return end - std::max(done_, logits_from_);
}

void PromptCursor::TakeLogits(std::uint32_t n) {
  if (!wants_logits()) return;
  logits_from_ = std::max(logits_from_, done_ + n);
  if (!wants_logits()) logits_from_ = std::numeric_limits<std::uint32_t>::max();
}

void PromptCursor::Advance(std::uint32_t n) {
  chunk_done_ += n;
  done_ += n;
  if (chunk_done_ < Tokens(chunk())) return;
  position_ += Positions(chunk());
  chunk_done_ = 0;
  ++chunk_;
}

void PromptCursor::Skip(std::uint32_t n) {
  while (n > 0) {
    const std::uint32_t part = std::min(n, chunk_left());
    Advance(part);
    n -= part;
  }
}

void PromptCursor::Rewind(std::span<const std::int32_t> tokens) {
  if (!tokens.empty()) {
    if (!std::holds_alternative<TextChunk>(prompt_.chunks.back())) prompt_.chunks.emplace_back(TextChunk());
    auto& tail = std::get<TextChunk>(prompt_.chunks.back());
    tail.insert(tail.end(), tokens.begin(), tokens.end());
    prompt_.n_tokens += static_cast<std::uint32_t>(tokens.size());
  }
  chunk_ = 0;
  chunk_done_ = 0;
  done_ = 0;
  position_ = 0;
}

std::uint32_t PromptCursor::UsableMatch(std::uint32_t n, std::uint32_t page_size) const {
  n = MostOfMatch(n, page_size);
  for (bool moved = true; moved;) {
    moved = false;
    std::uint32_t begin = 0;
    for (const PromptChunk& each : prompt_.chunks) {
      const std::uint32_t end = begin + Tokens(each);
      if (std::holds_alternative<MediaChunk>(each) && begin < n && n < end) {
        n = begin / page_size * page_size;
        moved = true;
      }
      begin = end;
    }
  }
  return n;
}

std::vector<CellKey> PromptCursor::CellKeys(std::uint64_t& unique) const {
  std::vector<CellKey> keys;
  keys.reserve(prompt_.n_tokens);
  for (const PromptChunk& each : prompt_.chunks) {
    if (const auto* text = std::get_if<TextChunk>(&each)) {
      std::transform(text->begin(), text->end(), std::back_inserter(keys), TokenKey);
      continue;
    }
    const auto& media = std::get<MediaChunk>(each);
    MediaOrigin origin;
    if (media.origin) {
      origin = *media.origin;
    } else {
      ++unique;
      std::memcpy(origin.digest.data(), &unique, sizeof(unique));
    }
    for (std::uint32_t i = 0; i < media.n_tokens; ++i) keys.push_back(MediaKey(origin.digest, origin.first_token + i));
  }
  return keys;
}

}  // namespace medinfer
