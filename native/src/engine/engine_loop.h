// What the engine thread does, again and again: drain the inbox -> admit -> step -> publish. It is the only code that
// touches the llama context after loading.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/inbox.h"
#include "base/task_thread.h"
#include "engine/adapter_store.h"
#include "engine/commands.h"
#include "engine/outbox.h"
#include "engine/request_table.h"
#include "engine/session_store.h"
#include "engine/stepper.h"
#include "kv/joined_cells.h"
#include "kv/kv_pool.h"
#include "medinfer/mutex.h"
#include "medinfer/stats.h"
#include "model/decoder.h"
#include "model/model.h"
#include "scheduling/kv_cache.h"
#include "scheduling/scheduler.h"
#include "vision/image_encoder.h"

namespace medinfer {

class EngineLoop {
 public:
  // All outlive the loop.
  struct Parts {
    const Model& model;
    Decoder& decoder;
    KvPool& pool;
    PassGuard& guard;
    Inbox<Command>& inbox;
    EventSink& sink;
    TaskThread& files;
    AdapterTable& adapters;
    Pacer& pacer;                     // of what is prepared beside the passes
    const ModelIdentity& identity;    // of what sessions are saved with
    DiskPages* disk = nullptr;        // of pages that host memory has no room for; null: none
    DraftParts* draft = nullptr;      // what guesses how answers go on; null: nothing does, or the heads do
    ImageEncoder* encoder = nullptr;  // of images that were left out, and are needed; null: none is
    Decoder* head = nullptr;          // of the model's prediction heads; null: none is run
    CpuShare* cpu_share = nullptr;    // with the encoder; null: they do not share the CPU
  };
  struct Limits {
    std::uint32_t step_budget = 0;
    std::uint64_t swap_bytes = 0;
    std::uint64_t host_bytes = 0;
    std::uint32_t cpus = 0;       // a pass of so many threads takes every CPU; 0: passes run elsewhere
    double draft_token_cost = 0;  // as of LoadOptions
  };

  // `on_end` is called on the engine thread for every request, right before its terminal event is emitted.
  EngineLoop(const Parts& parts, const Limits& limits, const std::function<void(RequestId)>& on_end);

  // Runs until the inbox is closed; then ends all requests with kClosed.
  void Run();

  // Any thread.
  Stats stats() const;

 private:
  void Handle(SubmitCommand command);
  void Handle(PreparedCommand command);
  void Handle(const EncodedCommand& command);
  void Handle(const CancelCommand& command);
  void Handle(const FinishCommand& command);
  void Handle(const PauseCommand& command);
  void Handle(const StreamCommand& command);
  void Handle(const ForkStateCommand& command) { cache_.ForkState(command.from, command.to); }
  void Handle(const DropStateCommand& command) { cache_.DropState(command.state); }
  void Handle(SaveCommand command) { sessions_.Save(std::move(command)); }
  void Handle(RestoreCommand command) { sessions_.Restore(std::move(command)); }
  void Handle(FileOutcome outcome) { sessions_.Take(std::move(outcome)); }
  void Handle(LoadAdapterCommand command) { adapters_.Load(std::move(command)); }
  void Handle(AdapterOutcome outcome) { adapters_.Take(std::move(outcome)); }
  void Handle(UnloadAdapterCommand command) { adapters_.Unload(std::move(command)); }

  void Enqueue(Sequence& sequence);
  void Encode(Sequence& sequence);
  void WeighImages();
  Embedded JoinEmbeddings(const PreparedPrompt& prompt) const;
  void Admit();
  bool StreamsNeedEveryCpu() const;
  void FailOver(const std::string& damage, RequestId id);
  Stats Count() const;
  void Publish();

  Parts parts_;
  const std::uint32_t cpus_;
  std::uint64_t arrivals_ = 0;
  std::uint64_t images_left_out_ = 0;

  Outbox outbox_;
  std::unique_ptr<DraftHeads> draft_heads_;    // null: there are none
  std::unique_ptr<JoinedCells> joined_cells_;  // the model's and the head's; null: the model's are all
  KvCache cache_;
  Scheduler scheduler_;
  RequestTable requests_;
  SessionStore sessions_;
  AdapterStore adapters_;
  std::unique_ptr<DraftModel> draft_model_;  // null: there is none
  Stepper stepper_;

  mutable Mutex stats_mutex_;
  Stats published_ MEDINFER_GUARDED_BY(stats_mutex_);
};

}  // namespace medinfer
