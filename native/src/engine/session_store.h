// Kept states to files and back. Files are written and read by a thread of their own; keys and values are copied on the
// engine thread, to which all of this belongs.
#pragma once

#include <functional>
#include <unordered_set>

#include "base/inbox.h"
#include "base/task_thread.h"
#include "engine/commands.h"
#include "engine/outbox.h"
#include "scheduling/kv_cache.h"
#include "scheduling/scheduler.h"

namespace medinfer {

class SessionStore {
 public:
  // All outlive it; the inbox also what `files` runs.
  struct Parts {
    KvCache& cache;
    const Scheduler& scheduler;
    TaskThread& files;
    Inbox<Command>& inbox;  // gets a FileOutcome for each file
    const ModelIdentity& identity;
    Outbox& outbox;
  };

  // `on_end` is called for every request, right before its terminal event is emitted.
  SessionStore(const Parts& parts, std::function<void(RequestId)> on_end) : parts_(parts), on_end_(std::move(on_end)) {}

  void Save(SaveCommand command);
  void Restore(RestoreCommand command);
  void Take(FileOutcome outcome);
  // Ends a save or restore that has not begun.
  void Refuse(RequestId id, const Status& reason) { End(id, {id, Failed{reason}}); }
  // Ends one that has begun and not ended; a file that is being written is written.
  void Cancel(RequestId id, const Status& reason);
  void CancelAll(const Status& reason);

 private:
  void Start(RequestId id, TaskThread::Task task);
  void End(RequestId id, Event event);
  Restored Enter(StateId id, SessionData data);

  Parts parts_;
  const std::function<void(RequestId)> on_end_;
  std::unordered_set<RequestId> open_;  // saves and restores that have not ended
};

}  // namespace medinfer
