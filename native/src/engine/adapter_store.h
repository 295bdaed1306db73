// Adapters that come and go. Files are read by a thread of their own; what the context has of an adapter belongs to the
// engine thread, as all of this does.
#pragma once

#include <functional>
#include <unordered_set>
#include <vector>

#include "base/inbox.h"
#include "base/task_thread.h"
#include "engine/adapter_table.h"
#include "engine/commands.h"
#include "engine/outbox.h"
#include "model/decoder.h"
#include "model/model.h"
#include "scheduling/kv_cache.h"

namespace medinfer {

class AdapterStore {
 public:
  // All outlive it; model and inbox also what `files` runs.
  struct Parts {
    const Model& model;
    Decoder& decoder;
    KvCache& cache;
    AdapterTable& table;
    TaskThread& files;
    Inbox<Command>& inbox;  // gets an AdapterOutcome for each file
    Outbox& outbox;
  };

  // `on_end` is called for every load and unload, right before its terminal event is emitted.
  AdapterStore(const Parts& parts, std::function<void(RequestId)> on_end) : parts_(parts), on_end_(std::move(on_end)) {}

  void Load(LoadAdapterCommand command);
  void Take(AdapterOutcome outcome);
  // The adapter goes with the last sequence that has it.
  void Unload(UnloadAdapterCommand command) { leaving_.push_back(std::move(command)); }
  // Frees those. After every step: ended sequences are freed before.
  void FreeUnused();

  // Ends a load that has not begun.
  void Refuse(RequestId id, const Status& reason) { End(id, {id, Failed{reason}}); }
  // Ends one that has begun and not ended.
  void Cancel(RequestId id, const Status& reason);
  void CancelAll(const Status& reason);

 private:
  Status Try(const Adapter& adapter);
  void End(RequestId id, Event event);

  Parts parts_;
  const std::function<void(RequestId)> on_end_;
  std::unordered_set<RequestId> open_;  // loads that have not ended
  std::vector<UnloadAdapterCommand> leaving_;
};

}  // namespace medinfer
