#include "load_task.h"

#include <exception>
#include <new>
#include <string>
#include <utility>

#include "exit_guard.h"

namespace medinfer {
namespace {

// JavaScript hears of progress this often at most; a large model reports it for each of its tensors.
constexpr float kProgressStep = 0.005F;

}  // namespace

LoadTask::LoadTask(LoadOptions options, std::shared_ptr<EventChannel> channel)
    : channel_(std::move(channel)), thread_([this, options = std::move(options)] { Run(options); }) {}

LoadTask::~LoadTask() {
  Abort();
  if (thread_.joinable()) thread_.join();
}

void LoadTask::Run(const LoadOptions& options) {
  // An exception that leaves a thread ends the process.
  try {
    result_.emplace(Engine::Load(options, [this](float fraction) { return OnProgress(fraction); }, channel_));
  } catch (const std::bad_alloc&) {
    result_.emplace(Status(Code::kOutOfMemory, "not enough memory to load the model"));
  } catch (const std::exception& error) {
    result_.emplace(
        Status(Code::kInternal, std::string("loading failed: ") + std::string(error.what()).substr(0, 200)));
  }
  ExitGuard::Rearm();
  done_.store(true, std::memory_order_release);
  channel_->Wake();
}

bool LoadTask::OnProgress(float fraction) {
  if (aborted()) return false;
  progress_.store(fraction, std::memory_order_relaxed);
  if (fraction - announced_ >= kProgressStep || fraction >= 1.0F) {
    announced_ = fraction;
    channel_->Wake();
  }
  return true;
}

std::optional<float> LoadTask::TakeProgress() {
  const float progress = progress_.load(std::memory_order_relaxed);
  if (progress == taken_) return std::nullopt;
  taken_ = progress;
  return progress;
}

Result<std::unique_ptr<Engine>> LoadTask::Join() {
  thread_.join();
  return std::move(*result_);
}

}  // namespace medinfer
