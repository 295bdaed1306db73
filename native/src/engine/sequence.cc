#include "engine/sequence.h"

#include <algorithm>
#include <cstring>
#include <iterator>

namespace medinfer {
namespace {

std::uint32_t ChunkTokens(const PromptChunk& chunk) {
  if (const auto* text = std::get_if<TextChunk>(&chunk)) return static_cast<std::uint32_t>(text->size());
  return std::get<MediaChunk>(chunk).n_tokens;
}

std::int32_t ChunkPositions(const PromptChunk& chunk) {
  if (const auto* text = std::get_if<TextChunk>(&chunk)) return static_cast<std::int32_t>(text->size());
  return std::get<MediaChunk>(chunk).n_pos;
}

double Milliseconds(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

}  // namespace

bool Sequence::NeedsLogits() const {
  return request.n_probs > 0 || request.sum_logprobs || request.n_predict == 0 || !siblings.empty() ||
         !sampler->takes_likeliest();
}

SequenceView Sequence::View(std::uint32_t index) const {
  SequenceView view;
  view.index = index;
  if (!reading_prompt()) {
    view.next = NextInput::kDecode;
    view.available = pending ? 1 : 0;
    return view;
  }
  view.available = ChunkTokens(prompt.chunks[chunk]) - chunk_done;
  if (std::holds_alternative<TextChunk>(prompt.chunks[chunk])) {
    view.next = NextInput::kText;
  } else {
    view.next = CurrentMedia().non_causal ? NextInput::kWholeMedia : NextInput::kMedia;
  }
  return view;
}

std::span<const std::int32_t> Sequence::NextText(std::uint32_t n) const {
  return std::span(std::get<TextChunk>(prompt.chunks[chunk])).subspan(chunk_done, n);
}

void Sequence::AdvancePrompt(std::uint32_t n) {
  chunk_done += n;
  prompt_done += n;
  if (chunk_done < ChunkTokens(prompt.chunks[chunk])) return;
  position += ChunkPositions(prompt.chunks[chunk]);
  chunk_done = 0;
  ++chunk;
}

bool Sequence::PromptEndsAfter(std::uint32_t n) const {
  return chunk + 1 == prompt.chunks.size() && chunk_done + n == ChunkTokens(prompt.chunks[chunk]);
}

void Sequence::AdvanceDecode() {
  ++position;
  keys.push_back(TokenKey(*pending));
  pending.reset();
  cell_reserved = false;
}

std::uint32_t Sequence::UsableMatch(std::uint32_t n, std::uint32_t page_size) const {
  n = std::min(n, prompt.n_tokens - 1) / page_size * page_size;
  for (bool moved = true; moved;) {
    moved = false;
    std::uint32_t begin = 0;
    for (const PromptChunk& each : prompt.chunks) {
      const std::uint32_t end = begin + ChunkTokens(each);
      if (std::holds_alternative<MediaChunk>(each) && begin < n && n < end) {
        n = begin / page_size * page_size;
        moved = true;
      }
      begin = end;
    }
  }
  return n;
}

void Sequence::Skip(std::uint32_t n) {
  while (n > 0) {
    const std::uint32_t part = std::min(n, ChunkTokens(prompt.chunks[chunk]) - chunk_done);
    AdvancePrompt(part);
    n -= part;
  }
}

void Sequence::NameCells(std::uint64_t& unique) {
  keys.clear();
  keys.reserve(prompt.n_tokens);
  for (const PromptChunk& each : prompt.chunks) {
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
}

void Sequence::TakePrompt(const Sequence& other) {
  prompt = other.prompt;
  chunk = other.chunk;
  chunk_done = other.chunk_done;
  prompt_done = other.prompt_done;
  position = other.position;
  keys = other.keys;
  committed = other.committed;
  prepared = other.prepared;
  usage = other.usage;
}

void Sequence::Rewind() {
  if (!unreplayed.empty()) {
    if (!std::holds_alternative<TextChunk>(prompt.chunks.back())) prompt.chunks.emplace_back(TextChunk());
    auto& tail = std::get<TextChunk>(prompt.chunks.back());
    tail.insert(tail.end(), unreplayed.begin(), unreplayed.end());
    prompt.n_tokens += static_cast<std::uint32_t>(unreplayed.size());
    unreplayed.clear();
  }
  pending.reset();
  cell_reserved = false;
  chunk = 0;
  chunk_done = 0;
  prompt_done = 0;
  position = 0;
  committed = 0;
  slot = -1;
  state = SequenceState::kQueued;
}

void InsertByPrecedence(std::vector<Sequence*>& list, Sequence* sequence) {
  const auto at = std::upper_bound(list.begin(), list.end(), sequence,
                                   [](const Sequence* a, const Sequence* b) { return Precedes(*a, *b); });
  list.insert(at, sequence);
}

Timings Sequence::FinalTimings(Clock::time_point now) const {
  Timings t;
  t.total_ms = Milliseconds(submitted, now);
  if (prompt.n_images > 0) t.encode_ms = Milliseconds(submitted, prepared);
  if (admitted) t.queue_ms = Milliseconds(prepared, *admitted);
  if (admitted && prompt_read) t.prefill_ms = Milliseconds(*admitted, *prompt_read);
  if (first_token) {
    t.first_token_ms = Milliseconds(submitted, *first_token);
    t.decode_ms = Milliseconds(*first_token, last_token);
  }
  return t;
}

}  // namespace medinfer
