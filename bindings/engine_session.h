// One engine from load() to the end of its threads: the native half of what JavaScript sees as a
// load and then as an engine.
//
//   kLoading -> kOpen -> kClosing -> kClosed
//        `----------------------------^  (failed, aborted)
//
// Ownership: AddonData holds a session until its thread-safe function is gone; the JavaScript engine
// holds it too. No other thread holds it: the load and close threads are joined by it.
// Everything here runs on the JS thread unless it says otherwise.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <thread>
#include <unordered_set>

#include "event_channel.h"
#include "load_task.h"
#include "medinfer/engine.h"
#include "napi_setup.h"

namespace medinfer {

class AddonData;
class ErrorClass;

class EngineSession final : public EventChannel::Listener, public std::enable_shared_from_this<EngineSession> {
 public:
  // What the session needs of the JavaScript engine, which exists while the session is open and the
  // engine is reachable.
  class Handle {
   public:
    virtual ~Handle() = default;
    // Keeps the JavaScript object from being collected, or lets go of it.
    virtual void Hold(bool hold) = 0;
  };

  // Starts loading. Throws where no thread or no thread-safe function is to be had. `errors` is the class of all its
  // errors; null: plain ones.
  static std::shared_ptr<EngineSession> Start(AddonData& addon, Napi::Env env, const ErrorClass* errors,
                                              LoadOptions options, Napi::Function on_events,
                                              Napi::Function on_progress);

  EngineSession(AddonData& addon, Napi::Env env, const ErrorClass* errors);
  ~EngineSession() override;
  EngineSession(const EngineSession&) = delete;
  EngineSession& operator=(const EngineSession&) = delete;

  // The class of the errors that its engine throws.
  const ErrorClass* errors() const { return errors_; }

  // Of the JavaScript engine.
  Napi::Promise engine_promise() const { return load_deferred_.Promise(); }
  void AbortLoad();

  // Null unless kOpen.
  Engine* engine() { return state_ == State::kOpen ? engine_.get() : nullptr; }
  // Notes a request that the engine accepted, so that the process waits for its end.
  void AddPending(RequestId id);
  // A paused request waits for JavaScript, so the process does not wait for it.
  void SetPaused(RequestId id, bool paused);

  // The JavaScript engine comes and goes.
  void Attach(Handle* handle) { handle_ = handle; }
  void Detach();

  // Closes in the background. Always the same promise.
  Napi::Promise Close(Napi::Env env);

  // Aborts a load, closes the engine, joins all threads; blocks for as long as that takes, but calls
  // no N-API function. Idempotent. The JS thread, or the thread that runs exit(3).
  void StopThreads();

  void OnWake(napi_env env, napi_value on_events) override;
  void OnReleased() override;

 private:
  enum class State : std::uint8_t { kLoading, kOpen, kClosing, kClosed };

  static void CleanupHook(void* session);

  // Parts of OnWake. They throw where the environment is being torn down.
  void ReportProgress(Napi::Env env);
  void FinishLoad(Napi::Env env);
  void Deliver(Napi::Env env, napi_value on_events);
  void FinishClose(Napi::Env env);

  void BeginClose();
  // No thread runs any more: gives the thread-safe function back.
  void Release();
  // Tells node whether to wait for this session, and JavaScript whether to keep the engine.
  void UpdateLiveness();

  AddonData& addon_;
  const Napi::Env env_;
  const ErrorClass* const errors_;  // AddonData's
  std::shared_ptr<EventChannel> channel_;
  bool hooked_ = false;

  State state_ = State::kLoading;
  std::unique_ptr<LoadTask> load_;  // kLoading
  Napi::Promise::Deferred load_deferred_;
  Napi::FunctionReference on_progress_;

  std::unique_ptr<Engine> engine_;  // kOpen; moved to closer_ then
  Handle* handle_ = nullptr;
  bool handle_held_ = false;
  std::unordered_set<RequestId> pending_;  // accepted requests whose terminal event JavaScript has not got yet
  std::unordered_set<RequestId> paused_;   // of them, those that wait for JavaScript

  std::optional<Napi::Promise::Deferred> close_deferred_;
  Napi::ObjectReference close_promise_;
  std::atomic<bool> closer_done_{false};
  std::thread closer_;  // kClosing
};

}  // namespace medinfer
