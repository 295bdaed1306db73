// What the engine thread does: drain the inbox -> admit -> plan -> decode -> sample -> emit, again and again.
// It is the only code that touches the llama context after loading.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/inbox.h"
#include "base/task_thread.h"
#include "engine/commands.h"
#include "engine/outbox.h"
#include "engine/sequence.h"
#include "kv/kept_states.h"
#include "kv/kv_pool.h"
#include "kv/swap_space.h"
#include "medinfer/engine.h"
#include "model/decoder.h"
#include "model/model.h"
#include "session/session_file.h"
#include "vision/image_encoder.h"

namespace medinfer {

// The requests of whose current forward pass must be given up when all of them are cancelled, or the engine closes.
// `pass` is written and read on the engine thread only.
struct PassGuard {
  const Inbox<Command>* inbox = nullptr;
  std::vector<CancelFlag> pass;

  bool ShouldAbort() const;
};

class EngineLoop {
 public:
  struct Parts {
    const Model& model;
    Decoder& decoder;
    KvPool& pool;
    ImageEncoder* encoder;  // null: no images
    PassGuard& guard;
    Inbox<Command>& inbox;  // outlives what `files` runs
    EventSink& sink;
    TaskThread& files;              // reads and writes sessions, and puts FileOutcome into the inbox
    const ModelIdentity& identity;  // of what sessions are saved with
  };
  struct Limits {
    std::uint32_t n_ctx_per_request = 0;
    std::uint32_t batch_size = 0;
    std::uint32_t step_budget = 0;
    std::uint64_t swap_bytes = 0;
  };

  // `on_end` is called on the engine thread for every request, right before its terminal event is emitted.
  EngineLoop(const Parts& parts, const Limits& limits, std::function<void(RequestId)> on_end);

  // Runs until the inbox is closed; then ends all requests with kClosed.
  void Run();

  // Any thread.
  Stats stats() const;

 private:
  // A change of state asked for from outside.
  void Handle(SubmitCommand command);
  void Handle(const CancelCommand& command);
  void Handle(const FinishCommand& command);
  void Handle(const PauseCommand& command);
  void Handle(const FollowCommand& command);
  void Handle(EncodeOutcome outcome);
  // engine_states.cc: kept states, and sessions on disk.
  void Handle(const ForkStateCommand& command);
  void Handle(const DropStateCommand& command);
  void Handle(SaveCommand command);
  void Handle(RestoreCommand command);
  void Handle(FileOutcome outcome);
  StateId Keep(Sequence& sequence);
  std::optional<PageTable> ForkBase(const Sequence& sequence, std::uint32_t found);
  std::optional<SequenceId> Acquire(PageTable& prefix, std::uint32_t more, std::uint32_t headroom);
  SessionData Copy(SaveCommand& command);
  Restored Restore(StateId id, SessionData data);
  void StartFile(RequestId id, TaskThread::Task task);
  void EndFile(RequestId id, Event event);

  // engine_swap.cc: the cells of preempted sequences, in host memory.
  void SwapOut(const Sequence& sequence);
  std::uint32_t SwapIn(const Sequence& sequence, std::uint32_t found);

  // engine_choices.cc: several completions of one prompt.
  Sequence& AddSequences(SubmitCommand& command);
  void PrepareSampling(Sequence& sequence);
  void BeginSiblings(Sequence& first, std::span<const float> logits);
  void EndSiblings(Sequence& first, const std::function<void(Sequence&)>& end);

  void Enqueue(Sequence& sequence, PreparedPrompt prompt);
  void Admit();
  enum class Admission : std::uint8_t { kAdmitted, kNoRoom, kLater };
  Admission TryAdmit(Sequence& sequence);
  bool StillAwaits(Sequence& sequence);
  bool IsComputedElsewhere(Sequence& sequence, std::uint32_t found);
  void Commit(Sequence& sequence);
  bool HasRunnable() const;

  // engine_step.cc: what fits the token budget, in at most two forward passes.
  struct Share {
    Sequence* sequence;
    std::uint32_t n_tokens;
  };
  void Step();
  void ReserveDecodeCells();
  bool DecodeText(const std::vector<Share>& shares);
  void DecodeMedia(const std::vector<Share>& shares);
  void Guard(const std::vector<Share>& shares);
  bool Succeeded(DecodeOutcome outcome, const std::vector<Share>& shares);
  void AdvancePrompt(Sequence& sequence, std::uint32_t n_tokens);
  void Tell(Sequence& sequence, TokenLogprobs told);
  void TellTexts(Sequence& sequence, const std::vector<Text>& texts);
  void Continue(Sequence& sequence, std::size_t span, bool has_logits);
  void Draw(Sequence& sequence, std::span<float> logits);
  void Enter(Sequence& sequence, std::int32_t token);

  void FailOver(const std::string& damage, RequestId id);
  void Preempt(Sequence& sequence);
  void Finish(Sequence& sequence, FinishReason reason);
  void Fail(Sequence& sequence, Status status);
  void End(Sequence& sequence, Event event);
  void Publish();
  void DescribePool(KvStats& kv) const;

  Parts parts_;
  Limits limits_;
  std::function<void(RequestId)> on_end_;
  std::uint64_t arrivals_ = 0;
  std::uint64_t unique_media_ = 0;

  std::unordered_map<RequestId, std::unique_ptr<Sequence>> sequences_;
  std::vector<Sequence*> queued_;                 // in order of precedence
  std::vector<Sequence*> running_;                // in order of precedence
  std::size_t siblings_ = 0;                      // sequences in kSibling
  std::vector<std::unique_ptr<Sequence>> ended_;  // this step; freed when nothing refers to them any more
  KeptStates states_;
  SwapSpace swap_;
  std::unordered_set<RequestId> files_;  // saves and restores that have not ended
  Outbox outbox_;

  Stats totals_;  // the counters since load; engine thread
  mutable std::mutex stats_mutex_;
  Stats published_;  // guarded by stats_mutex_
};

}  // namespace medinfer
