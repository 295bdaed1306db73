// One model load on a thread of its own.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <thread>

#include "event_channel.h"
#include "medinfer/engine.h"

namespace medinfer {

class LoadTask {
 public:
  // JS thread. Starts the thread; it wakes `channel` on progress and at the end. Throws
  // std::system_error where the system gives no thread.
  LoadTask(LoadOptions options, std::shared_ptr<EventChannel> channel);
  // Aborts and joins.
  ~LoadTask();
  LoadTask(const LoadTask&) = delete;
  LoadTask& operator=(const LoadTask&) = delete;

  // Any thread. The load ends at its next progress report.
  void Abort() { aborted_.store(true, std::memory_order_relaxed); }
  bool aborted() const { return aborted_.load(std::memory_order_relaxed); }

  bool done() const { return done_.load(std::memory_order_acquire); }

  // JS thread. The latest progress, unless it was taken before.
  std::optional<float> TakeProgress();

  // JS thread. Blocks until the load ends; instant once done(). REQUIRES: the first call.
  Result<std::unique_ptr<Engine>> Join();

 private:
  void Run(const LoadOptions& options);
  bool OnProgress(float fraction);

  const std::shared_ptr<EventChannel> channel_;
  std::atomic<bool> aborted_{false};
  std::atomic<float> progress_{0};
  float announced_ = 0;  // load thread
  float taken_ = 0;      // JS thread
  // Written by the load thread before done_, read after it or after the join.
  std::optional<Result<std::unique_ptr<Engine>>> result_;
  std::atomic<bool> done_{false};
  std::thread thread_;  // last: it starts when everything above stands
};

}  // namespace medinfer
