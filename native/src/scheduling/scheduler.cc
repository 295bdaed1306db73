#include "scheduling/scheduler.h"

#include <algorithm>
#include <utility>

namespace medinfer {
namespace {

// One page of so many stays free for sequences that grow: 2 %.
constexpr std::uint32_t kWatermarkShare = 50;

// Into a list in order of precedence.
void Insert(std::vector<ScheduledSequence*>& list, ScheduledSequence& sequence) {
  const auto precedes = [](const ScheduledSequence* a, const ScheduledSequence* b) { return Precedes(*a, *b); };
  list.insert(std::upper_bound(list.begin(), list.end(), &sequence, precedes), &sequence);
}

// Whether a running sequence is on its way to so many cells of its prompt.
bool Computes(const ScheduledSequence& sequence, std::uint32_t cells) {
  return !sequence.paused && sequence.cursor.reading() && sequence.cursor.done() < cells;
}

}  // namespace

bool Scheduler::Enqueue(ScheduledSequence& sequence) {
  sequence.keys = sequence.cursor.CellKeys(unique_media_);
  if (!cache_.HasUnreadable(sequence)) return false;
  sequence.state = SequenceState::kQueued;
  cache_.ReadAhead(sequence);
  Insert(queued_, sequence);
  return true;
}

void Scheduler::AddSibling(ScheduledSequence& first, ScheduledSequence& sibling) {
  sibling.state = SequenceState::kSibling;
  sibling.first = &first;
  first.siblings.push_back(&sibling);
}

std::vector<ScheduledSequence*> Scheduler::Admit() {
  std::vector<ScheduledSequence*> admitted;
  for (std::size_t i = 0; i < queued_.size();) {
    ScheduledSequence& sequence = *queued_[i];
    const Admission admission = sequence.paused ? Admission::kLater : TryAdmit(sequence);
    if (admission == Admission::kUnreadable) {
      queued_.erase(queued_.begin() + static_cast<std::ptrdiff_t>(i));
      sequence.state = SequenceState::kPreparing;
      unreadable_.push_back(&sequence);
    } else if (admission == Admission::kAdmitted) {
      queued_.erase(queued_.begin() + static_cast<std::ptrdiff_t>(i));
      sequence.state = SequenceState::kRunning;
      Insert(running_, sequence);
      admitted.push_back(&sequence);
    } else if (admission == Admission::kLater) {
      ++i;
    } else {
      // A consumer that does not read must not keep others out.
      const auto idle =
          std::find_if(running_.rbegin(), running_.rend(), [](const ScheduledSequence* s) { return s->paused; });
      if (idle == running_.rend()) break;
      Preempt(**idle);
      i = 0;
    }
  }
  return admitted;
}

Scheduler::Admission Scheduler::TryAdmit(ScheduledSequence& sequence) {
  // Asked of every queued sequence, at every step: what costs a look at the whole prompt comes last.
  if (StillAwaits(sequence)) return Admission::kLater;
  if (!cache_.has_free_id()) return Admission::kNoRoom;
  PageTable found = cache_.Find(sequence);
  if (IsComputedElsewhere(sequence, found.size())) return Admission::kLater;
  // A page beside the prompt for every running sequence, or admitting would preempt at once. Alone it may have all.
  const auto beside = static_cast<std::uint32_t>(running_.size());
  const std::uint32_t headroom = beside == 0 || !cache_.has_cells() ? 0 : beside + cache_.pages() / kWatermarkShare;
  const bool ran = sequence.cached_cells.has_value();
  if (cache_.Admit(sequence, found, headroom)) {
    if (sequence.written() >= sequence.cursor.n_unreadable()) return Admission::kAdmitted;
    cache_.Release(sequence);
    sequence.Rewind();
    if (!ran) sequence.cached_cells.reset();
    return Admission::kUnreadable;
  }
  if (sequence.base == 0 || !running_.empty()) return Admission::kNoRoom;
  // A fork's pages need not be full, so it may take more of them than the whole prompt does.
  sequence.base = 0;
  found.Clear();
  return TryAdmit(sequence);
}

// Whether the sequence that computes a prefix of this one is still at it.
bool Scheduler::StillAwaits(ScheduledSequence& sequence) const {
  if (sequence.awaited == 0) return false;
  const auto is_awaited = [&](const ScheduledSequence* other) { return other->id == sequence.awaited; };
  const auto other = std::find_if(running_.begin(), running_.end(), is_awaited);
  const bool still = other != running_.end() && Computes(**other, sequence.awaited_cells);
  if (!still) sequence.awaited = 0;
  return still;
}

// Whether a running sequence is about to compute more of this prompt than was found: then it is worth waiting for.
bool Scheduler::IsComputedElsewhere(ScheduledSequence& sequence, std::uint32_t found) const {
  if (!cache_.shares()) return false;
  for (const ScheduledSequence* other : running_) {
    if (!other->cursor.reading() || other->salt != sequence.salt) continue;
    const auto [mine, theirs] =
        std::mismatch(sequence.keys.begin(), sequence.keys.end(), other->keys.begin(), other->keys.end());
    const auto common = static_cast<std::uint32_t>(mine - sequence.keys.begin());
    const std::uint32_t cells = sequence.cursor.UsableMatch(common, cache_.page_size());
    if (cells > found && Computes(*other, cells)) {
      sequence.awaited = other->id;
      sequence.awaited_cells = cells;
      return true;
    }
  }
  return false;
}

Scheduler::Step Scheduler::Plan() {
  ReserveDecodeCells();
  ReserveDraftCells();
  std::vector<SequenceView> views;
  for (std::size_t i = 0; i < running_.size(); ++i) {
    if (!running_[i]->paused) views.push_back(running_[i]->View(static_cast<std::uint32_t>(i)));
  }
  const medinfer::Plan plan = PlanStep(views, step_budget_);
  // Indices name sequences only until the first of them ends.
  const auto resolve = [this](const std::vector<PlanItem>& items) {
    std::vector<Share> shares;
    for (const PlanItem& item : items) shares.push_back({running_[item.index], item.n_tokens});
    return shares;
  };
  return {resolve(plan.text), resolve(plan.media)};
}

// Makes sure that every drawn token that is about to be decoded has a cell.
void Scheduler::ReserveDecodeCells() {
  for (std::size_t i = 0; i < running_.size(); ++i) {
    ScheduledSequence& sequence = *running_[i];
    while (sequence.pending && !sequence.paused && !sequence.cell_reserved) {
      sequence.cell_reserved = cache_.Grow(sequence);
      if (sequence.cell_reserved) break;
      ScheduledSequence& last = *running_.back();
      Preempt(last);
      if (&last == &sequence) return;
    }
  }
}

// A draft is dropped where it would cost another its cells.
void Scheduler::ReserveDraftCells() {
  for (ScheduledSequence* sequence : running_) {
    const bool wanted = sequence->pending && !sequence->paused && !sequence->draft.empty();
    if (wanted && !cache_.ReserveDraft(*sequence)) sequence->draft.clear();
  }
}

bool Scheduler::PreemptLast() {
  if (running_.size() < 2) return false;
  Preempt(*running_.back());
  return true;
}

// Puts a running sequence back into the queue. What it drew is kept and read again as a part of its prompt.
void Scheduler::Preempt(ScheduledSequence& sequence) {
  std::erase(running_, &sequence);
  cache_.SwapOut(sequence);
  sequence.Rewind();
  sequence.base = 0;  // see TryAdmit
  sequence.state = SequenceState::kQueued;
  Insert(queued_, sequence);
  ++preemptions_;
}

// What finds no sequence id, or no page to go on with, becomes an ordinary sequence: what is computed is in the prefix
// cache by then.
ScheduledSequence* Scheduler::BeginSibling(ScheduledSequence& first) {
  while (!first.siblings.empty()) {
    ScheduledSequence& sibling = *first.siblings.front();
    first.siblings.erase(first.siblings.begin());
    sibling.first = nullptr;
    sibling.TakePrompt(first);
    if (cache_.Fork(first, sibling, static_cast<std::uint32_t>(running_.size()))) {
      sibling.state = SequenceState::kRunning;
      Insert(running_, sibling);
      return &sibling;
    }
    sibling.Rewind();
    sibling.state = SequenceState::kQueued;
    Insert(queued_, sibling);
  }
  return nullptr;
}

void Scheduler::Remove(ScheduledSequence& sequence) {
  if (sequence.state == SequenceState::kRunning) {
    std::erase(running_, &sequence);
    cache_.Release(sequence);
  } else if (sequence.state == SequenceState::kQueued) {
    std::erase(queued_, &sequence);
    cache_.DropSwapped(sequence.id);
  } else if (sequence.state == SequenceState::kSibling) {
    std::erase(sequence.first->siblings, &sequence);
  }
  std::erase(unreadable_, &sequence);
  sequence.state = SequenceState::kEnded;
}

bool Scheduler::Keep(ScheduledSequence& sequence) {
  if (!cache_.shares() || sequence.state != SequenceState::kRunning) return false;
  std::erase(running_, &sequence);
  cache_.Keep(sequence);
  sequence.state = SequenceState::kEnded;
  return true;
}

bool Scheduler::HasRunnable() const {
  return std::any_of(running_.begin(), running_.end(),
                     [](const ScheduledSequence* s) { return !s->paused && s->View(0).available > 0; });
}

bool Scheduler::IsDecoding() const {
  return std::any_of(running_.begin(), running_.end(),
                     [](const ScheduledSequence* s) { return !s->paused && s->pending.has_value(); });
}

std::size_t Scheduler::n_paused() const {
  return static_cast<std::size_t>(
      std::count_if(running_.begin(), running_.end(), [](const ScheduledSequence* s) { return s->paused; }));
}

}  // namespace medinfer
