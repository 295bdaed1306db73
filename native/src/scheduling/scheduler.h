// Decides which sequences hold cells, and what the next step computes.
//
//   admission   in order of precedence (priority, then arrival); nothing that fits overtakes what does not, or large
//               prompts would starve. Each running sequence has a page to grow into beside the prompt that is let in.
//   preemption  where a running sequence finds no cell for its next token, the one that is served last gives way. The
//               first in line never does, so some sequence always advances. Paused sequences give way to queued ones.
//   awaiting    a prompt of which a running sequence computes a part right now waits for it, and finds it cached.
//   siblings    completions of one prompt: the first reads it for all, then the others fork its cells.
//   unreadable  images that were left out of a prompt, because the cache had their cells, and has them no more.
//
// A pure account of plain data over the KV cache: knows no llama.h, no time and no threads. Belongs to the engine
// thread. The sequences are the caller's: one that was given to the scheduler is removed before it goes.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "scheduling/kv_cache.h"
#include "scheduling/scheduled_sequence.h"

namespace medinfer {

class Scheduler {
 public:
  struct Share {
    ScheduledSequence* sequence = nullptr;
    std::uint32_t n_tokens = 0;
  };
  struct Step {
    std::vector<Share> text;
    std::vector<Share> media;
  };

  // `cache` outlives the scheduler. `step_budget`: tokens of a step (step_plan.h).
  Scheduler(KvCache& cache, std::uint32_t step_budget) : cache_(cache), step_budget_(step_budget) {}

  // The prompt is there, in the cursor, and has tokens. False, and no change, where images that were left out of it
  // have to be read.
  bool Enqueue(ScheduledSequence& sequence);
  // `sibling` waits until the prompt of `first` is read. REQUIRES: both are in kPreparing.
  void AddSibling(ScheduledSequence& first, ScheduledSequence& sibling);

  // Lets in what fits. Returns the sequences that run now and did not before, in the order of their admission.
  std::vector<ScheduledSequence*> Admit();
  // Those that the latest Admit found to have images to read that were left out: in kPreparing, to be enqueued anew.
  std::vector<ScheduledSequence*> TakeUnreadable() { return std::exchange(unreadable_, {}); }
  // Reserves the cells of the next step and says what it computes, of drafts what there is room for; empty where
  // nothing can be. The sequences stay until they are removed; a sequence that is removed while the step is applied
  // must not be used any more.
  Step Plan();
  // After a pass that found no room all the same: the sequence that is served last gives way. False where only one
  // runs.
  bool PreemptLast();
  // The prompt of `first` is in the cache: its next sibling that runs from here on, with its cells; null where none is
  // left. Those that find no room are queued as any other sequence.
  ScheduledSequence* BeginSibling(ScheduledSequence& first);

  // What was written for a draft and is not part of the sequence leaves the cache.
  void DropRefused(ScheduledSequence& sequence) { cache_.Shrink(sequence); }
  // What a sequence has computed is in the cache.
  void Commit(ScheduledSequence& sequence) { cache_.Commit(sequence); }
  // See KvCache.
  void LeaveRest(const ScheduledSequence& sequence) { cache_.LeaveRest(sequence); }
  // The sequence ends and gives up all that it holds; its siblings have ended before.
  void Remove(ScheduledSequence& sequence);
  // The same, of a sequence whose cells stay as a state under its id. False, and no change, where there are none to
  // keep.
  bool Keep(ScheduledSequence& sequence);

  // Whether a step would compute anything.
  bool HasRunnable() const;
  // Whether a sequence that runs waits for its next token.
  bool IsDecoding() const;
  // Both in order of precedence.
  const std::vector<ScheduledSequence*>& running() const { return running_; }
  const std::vector<ScheduledSequence*>& queued() const { return queued_; }
  std::size_t n_paused() const;
  std::uint64_t preemptions() const { return preemptions_; }

 private:
  enum class Admission : std::uint8_t { kAdmitted, kNoRoom, kLater, kUnreadable };
  Admission TryAdmit(ScheduledSequence& sequence);
  bool StillAwaits(ScheduledSequence& sequence) const;
  bool IsComputedElsewhere(ScheduledSequence& sequence, std::uint32_t found) const;
  void ReserveDecodeCells();
  void ReserveDraftCells();
  void Preempt(ScheduledSequence& sequence);

  KvCache& cache_;
  std::uint32_t step_budget_;
  std::vector<ScheduledSequence*> queued_;   // in order of precedence
  std::vector<ScheduledSequence*> running_;  // in order of precedence
  std::vector<ScheduledSequence*> unreadable_;
  std::uint64_t unique_media_ = 0;
  std::uint64_t preemptions_ = 0;
};

}  // namespace medinfer
