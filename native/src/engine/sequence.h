// One request while the engine works on it: what it asked for, how far its prompt is read, what it drew.
// Belongs to the engine thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "grammar/token_constraint.h"
#include "kv/cell_key.h"
#include "kv/kv_pool.h"
#include "medinfer/events.h"
#include "medinfer/request.h"
#include "prompt/prepared_prompt.h"
#include "sampling/sampler_chain.h"
#include "scheduling/step_plan.h"
#include "text/stop_matcher.h"
#include "text/token_texts.h"

namespace medinfer {

using Clock = std::chrono::steady_clock;
using CancelFlag = std::shared_ptr<std::atomic<bool>>;

enum class SequenceState : std::uint8_t {
  kEncoding,  // its images are at the encoder
  kSibling,   // waits for another to have read their common prompt
  kQueued,    // ready; waits for a sequence id and cells
  kRunning,   // holds both
  kEnded,     // holds neither any more
};

// What a sequence has done since its events last went out.
struct Untold {
  std::optional<Encoded> encoded;
  std::optional<Prefill> prefill;  // the latest
  std::vector<TokenLogprobs> logprobs;
  std::vector<Text> texts;

  bool empty() const { return !encoded && !prefill && logprobs.empty() && texts.empty(); }
};

// Invariants:
//   - `position` and the prompt cursor describe exactly what the KV cache holds of this sequence;
//   - `pending` is the latest drawn token, not in the cache yet; empty while the prompt is read;
//   - a sequence in `siblings` is in kSibling, and has this one as its `first`.
struct Sequence {
  RequestId id = 0;
  Request request;
  CancelFlag cancelled;
  bool embed_only = false;
  std::uint64_t arrival = 0;  // order of submission

  SequenceState state = SequenceState::kQueued;
  bool paused = false;

  PreparedPrompt prompt;
  std::size_t chunk = 0;          // the prompt chunk that is read next
  std::uint32_t chunk_done = 0;   // tokens of it that are in the cache
  std::uint32_t prompt_done = 0;  // tokens of the whole prompt that are in the cache
  std::int32_t position = 0;      // of the current chunk's first token, or of `pending`
  std::vector<CellKey> keys;      // what its cells hold: of the prompt, then of what is in the cache behind it
  std::uint32_t committed = 0;    // cells whose pages were offered to the prefix cache
  RequestId awaited = 0;          // who computes a prefix of this one right now; 0: nobody
  std::uint32_t awaited_cells = 0;

  SequenceId slot = -1;        // while running
  bool cell_reserved = false;  // for `pending`
  std::optional<std::int32_t> pending;
  std::vector<std::int32_t> unreplayed;  // drawn since the prompt was read, `pending` included

  Sequence* first = nullptr;        // a sibling's: who reads the prompt for it
  std::vector<Sequence*> siblings;  // they begin when the prompt is read

  std::unique_ptr<TokenConstraint> constraint;  // follows the drawn tokens, so that preempting does not touch it
  std::optional<SamplerChain> sampler;
  std::optional<StopMatcher> stops;
  std::optional<TokenTexts> texts;
  Usage usage;
  double logprob_sum = 0;     // of the drawn tokens, where the request asks for it
  std::uint32_t n_drawn = 0;  // tokens in it

  // The outbox's account of it.
  bool followed = false;  // somebody reads as it goes
  bool shown = false;     // its first text went out
  Untold untold;

  Clock::time_point submitted;
  Clock::time_point prepared;
  std::optional<Clock::time_point> admitted;
  std::optional<Clock::time_point> prompt_read;
  std::optional<Clock::time_point> first_token;
  Clock::time_point last_token;

  // Whether the likeliest token is not all that it takes from a pass. REQUIRES: `sampler`.
  bool NeedsLogits() const;
  bool reading_prompt() const { return chunk < prompt.chunks.size(); }
  SequenceView View(std::uint32_t index) const;

  // The next `n` tokens of the current text chunk. REQUIRES: the current chunk is text and has them.
  std::span<const std::int32_t> NextText(std::uint32_t n) const;
  // REQUIRES: the current chunk is media.
  const MediaChunk& CurrentMedia() const { return std::get<MediaChunk>(prompt.chunks[chunk]); }
  // Position of the next token that is decoded.
  std::int32_t NextTextPosition() const { return position + static_cast<std::int32_t>(chunk_done); }

  // The next `n` prompt tokens are in the cache now.
  void AdvancePrompt(std::uint32_t n);
  // Whether the prompt ends after its next `n` tokens.
  bool PromptEndsAfter(std::uint32_t n) const;
  // `pending` is in the cache now.
  void AdvanceDecode();
  // The most cells of a match of `n` that may be used: whole pages, not all of the prompt, no part of a chunk of media.
  std::uint32_t UsableMatch(std::uint32_t n, std::uint32_t page_size) const;
  // The first `n` tokens of the prompt were in the cache. REQUIRES: UsableMatch.
  void Skip(std::uint32_t n);
  // Cells in the cache.
  std::uint32_t written() const { return reading_prompt() ? prompt_done : static_cast<std::uint32_t>(keys.size()); }
  // Names the cells of the prompt. Media that nobody else has gets keys from `unique`.
  void NameCells(std::uint64_t& unique);

  // Has the same prompt as `other`, read as far.
  void TakePrompt(const Sequence& other);

  // Its cells are gone: the prompt, and what was drawn since, have to be read again.
  void Rewind();

  Timings FinalTimings(Clock::time_point now) const;
};

// Whether `a` is served before `b`.
inline bool Precedes(const Sequence& a, const Sequence& b) {
  if (a.request.priority != b.request.priority) return a.request.priority > b.request.priority;
  return a.arrival < b.arrival;
}

// Into a list in order of precedence.
void InsertByPrecedence(std::vector<Sequence*>& list, Sequence* sequence);

}  // namespace medinfer
