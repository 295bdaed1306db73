// A sequence as far as its place in the batch goes: what its cells hold, how far it is, what it waits for.
//
//             Enqueue             Admit
//   kPreparing ─────▶ kQueued ──────────────▶ kRunning ──▶ kEnded
//        │     ◀─────    ▲  ◀────────────────────┘ ▲          ▲
//        │   unreadable  │         Preempt         │          │ Remove, Keep: from every state
//        └─▶ kSibling ───┴─────────────────────────┘
//           AddSibling       BeginSibling: no room, room
//
// Belongs to the engine thread. Knows no llama.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kv/cell_key.h"
#include "kv/kv_pool.h"
#include "medinfer/ids.h"
#include "prompt/prompt_cursor.h"
#include "scheduling/step_plan.h"

namespace medinfer {

enum class SequenceState : std::uint8_t {
  kPreparing,  // its prompt is tokenised, its images are encoded
  kSibling,    // waits for another to have read their common prompt
  kQueued,     // ready; waits for a sequence id and cells
  kRunning,    // holds both
  kEnded,      // holds neither any more
};

// Invariants:
//   - `cursor` and `keys` describe exactly what the KV cache holds of this sequence, while it is in kRunning;
//   - `pending` is the latest drawn token, not in the cache yet; empty while the prompt is read;
//   - a sequence in `siblings` is in kSibling, and has this one as its `first`.
struct ScheduledSequence {
  RequestId id = 0;
  std::int32_t priority = 0;  // higher runs first
  std::uint64_t arrival = 0;  // order of submission
  std::string salt;           // cells are shared only where it is equal
  StateId base = 0;           // a kept state that it begins from; 0: none

  bool whole = false;  // its prompt, a text, is read in one pass

  SequenceState state = SequenceState::kPreparing;
  bool paused = false;  // nothing is computed for it

  PromptCursor cursor;
  std::vector<CellKey> keys;    // of the prompt's cells, then of what is in the cache behind it
  std::uint32_t committed = 0;  // cells whose pages were offered to the prefix cache
  bool left_rest = false;       // what its prompt has behind them was left, too

  SequenceId slot = -1;        // while running
  bool cell_reserved = false;  // for `pending`
  std::optional<std::int32_t> pending;
  std::vector<std::int32_t> draft;            // may follow `pending`: proposed for the next pass
  std::vector<std::int32_t> drawn;            // since the prompt was read, `pending` included
  std::optional<std::uint32_t> cached_cells;  // found in the cache at the first admission; empty: not admitted yet

  RequestId awaited = 0;  // the sequence that computes a prefix of this one right now; 0: none
  std::uint32_t awaited_cells = 0;

  ScheduledSequence* first = nullptr;        // a sibling's: reads the prompt for it
  std::vector<ScheduledSequence*> siblings;  // they begin when the prompt is read

  // What a step can compute of it; `index` is the caller's name for it.
  SequenceView View(std::uint32_t index) const;
  // Cells in the cache.
  std::uint32_t written() const { return cursor.reading() ? cursor.done() : static_cast<std::uint32_t>(keys.size()); }

  // `pending` is in the cache now.
  void AdvanceDecode();
  // The sequence has the same prompt as `other`, read as far.
  void TakePrompt(const ScheduledSequence& other);
  // Its cells are gone: the prompt, and what was drawn since, have to be read again.
  void Rewind();
};

// Whether `a` is served before `b`.
inline bool Precedes(const ScheduledSequence& a, const ScheduledSequence& b) {
  return a.priority != b.priority ? a.priority > b.priority : a.arrival < b.arrival;
}

}  // namespace medinfer
