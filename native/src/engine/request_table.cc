#include "engine/request_table.h"

#include <utility>

namespace medinfer {

Sequence& RequestTable::Add(std::unique_ptr<Sequence> sequence) {
  const RequestId id = sequence->id();
  if (sequence->encodes) ++n_encoding_;
  return *sequences_.emplace(id, std::move(sequence)).first->second;
}

Sequence* RequestTable::Find(RequestId id) const {
  const auto found = sequences_.find(id);
  return found == sequences_.end() ? nullptr : found->second.get();
}

// Before the prompt is read there is one fate for all.
template <typename EndOne>
void RequestTable::EndSiblings(Sequence& first, const EndOne& end_one) {
  while (!first.schedule.siblings.empty()) end_one(Of(*first.schedule.siblings.back()));
}

void RequestTable::Finish(Sequence& sequence, FinishReason reason, std::int32_t stop_token) {
  EndSiblings(sequence, [&](Sequence& sibling) { Finish(sibling, reason); });
  Done done;
  done.reason = reason;
  done.stop_token = stop_token;
  if (Generation* generation = sequence.generation.get()) {  // null while the prompt is prepared
    if (!generation->stopped()) outbox_.EmitTexts(sequence.unsent, generation->Flush());
    if (generation->stopped()) {
      done.reason = FinishReason::kStop;
      done.stop_string = generation->stop_string();
      done.stop_token = -1;
    }
    done.logprob_sum = generation->logprob_sum();
    done.n_drawn = generation->n_drawn();
  }
  done.usage = sequence.usage;
  done.timings = sequence.clock.Measure(Clock::now(), sequence.schedule.cursor.prompt().n_images > 0);
  if (sequence.keep && scheduler_.Keep(sequence.schedule)) {
    done.state = sequence.id();
  } else if (sequence.schedule.state == SequenceState::kRunning && !sequence.scores) {
    scheduler_.LeaveRest(sequence.schedule);
  }
  ++outcomes_.completed;
  End(sequence, {sequence.id(), std::move(done)});
}

void RequestTable::Finish(Sequence& sequence, Embedded embedded) {
  ++outcomes_.completed;
  End(sequence, {sequence.id(), std::move(embedded)});
}

void RequestTable::Finish(Sequence& sequence, Pooled pooled) {
  ++outcomes_.completed;
  End(sequence, {sequence.id(), std::move(pooled)});
}

void RequestTable::Finish(Sequence& sequence, Scored scored) {
  scored.usage = sequence.usage;
  scored.timings = sequence.clock.Measure(Clock::now(), sequence.schedule.cursor.prompt().n_images > 0);
  ++outcomes_.completed;
  End(sequence, {sequence.id(), std::move(scored)});
}

void RequestTable::Fail(Sequence& sequence, const Status& status) {
  EndSiblings(sequence, [&](Sequence& sibling) { Fail(sibling, status); });
  const bool aborted = status.code() == Code::kAborted || status.code() == Code::kClosed;
  ++(aborted ? outcomes_.aborted : outcomes_.failed);
  End(sequence, {sequence.id(), Failed{status}});
}

void RequestTable::BeginEncoding(Sequence& sequence) {
  if (sequence.encodes) return;
  sequence.encodes = true;
  ++n_encoding_;
}

void RequestTable::EndEncoding(Sequence& sequence) {
  if (!sequence.encodes) return;
  sequence.encodes = false;
  --n_encoding_;
}

void RequestTable::End(Sequence& sequence, Event event) {
  EndEncoding(sequence);
  scheduler_.Remove(sequence.schedule);
  on_end_(sequence.id());
  outbox_.End(sequence.unsent, std::move(event));
  const auto found = sequences_.find(sequence.id());
  ended_.push_back(std::move(found->second));
  sequences_.erase(found);
}

}  // namespace medinfer
