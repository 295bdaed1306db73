// The sequences of all requests that have not ended, by id, and their ends: each has exactly one. Belongs to the engine
// thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "engine/outbox.h"
#include "engine/sequence.h"
#include "medinfer/events.h"
#include "medinfer/status.h"
#include "scheduling/scheduler.h"

namespace medinfer {

class RequestTable {
 public:
  // Since load.
  struct Outcomes {
    std::uint64_t completed = 0;
    std::uint64_t failed = 0;
    std::uint64_t aborted = 0;
  };

  // `on_end` is called for every request, right before its terminal event is emitted. All outlive the table.
  RequestTable(Scheduler& scheduler, Outbox& outbox, std::function<void(RequestId)> on_end)
      : scheduler_(scheduler), outbox_(outbox), on_end_(std::move(on_end)) {}

  Sequence& Add(std::unique_ptr<Sequence> sequence);
  // Null where there is none, or it has ended.
  Sequence* Find(RequestId id) const;
  // REQUIRES: it has not ended.
  Sequence& Of(const ScheduledSequence& schedule) const { return *sequences_.at(schedule.id); }
  const std::unordered_map<RequestId, std::unique_ptr<Sequence>>& all() const { return sequences_; }

  // End a sequence and, before the prompt is read, its siblings. It lives until FreeEnded.
  // `stop_token`: the one that ended it; -1: none.
  void Finish(Sequence& sequence, FinishReason reason, std::int32_t stop_token = -1);
  void Finish(Sequence& sequence, Embedded embedded);
  // Ends one whose candidate is scored. Its siblings go on: the prompt is read.
  void Finish(Sequence& sequence, Scored scored);
  void Finish(Sequence& sequence, Pooled pooled);
  void Fail(Sequence& sequence, const Status& status);
  // The images of a sequence are at the encoder, or not any more.
  void BeginEncoding(Sequence& sequence);
  void EndEncoding(Sequence& sequence);
  // Nothing refers to ended sequences any more.
  void FreeEnded() { ended_.clear(); }

  const Outcomes& outcomes() const { return outcomes_; }
  // Sequences whose images are at the encoder.
  std::uint32_t n_encoding() const { return n_encoding_; }

 private:
  template <typename EndOne>
  void EndSiblings(Sequence& first, const EndOne& end_one);
  void End(Sequence& sequence, Event event);

  Scheduler& scheduler_;
  Outbox& outbox_;
  const std::function<void(RequestId)> on_end_;
  std::unordered_map<RequestId, std::unique_ptr<Sequence>> sequences_;
  std::vector<std::unique_ptr<Sequence>> ended_;
  Outcomes outcomes_;
  std::uint32_t n_encoding_ = 0;
};

}  // namespace medinfer
