#include "event_channel.h"

#include <iterator>
#include <thread>
#include <utility>

namespace medinfer {
namespace {

void OnCall(napi_env env, napi_value on_events, void* context, void* /*data*/) {
  // Without an environment node only empties its queue, after OnReleased: `context` is gone then.
  if (env == nullptr) return;
  static_cast<EventChannel::Listener*>(context)->OnWake(env, on_events);
}

void OnFinalize(napi_env /*env*/, void* /*data*/, void* context) {
  static_cast<EventChannel::Listener*>(context)->OnReleased();
}

}  // namespace

// The C functions instead of Napi::ThreadSafeFunction: its methods throw, or end the process, where
// the environment is being torn down.
std::shared_ptr<EventChannel> EventChannel::Open(Napi::Env env, Napi::Function on_events, Listener* listener) {
  auto channel = std::make_shared<EventChannel>();
  napi_threadsafe_function tsfn = nullptr;
  const napi_status status = napi_create_threadsafe_function(
      env, on_events, nullptr, Napi::String::New(env, "medinfer"), /*max_queue_size=*/0,
      /*initial_thread_count=*/1, /*finalize_data=*/nullptr, OnFinalize, listener, OnCall, &tsfn);
  if (status != napi_ok) throw Napi::Error::New(env);
  channel->Adopt(tsfn);
  return channel;
}

void EventChannel::Adopt(napi_threadsafe_function tsfn) {
  const MutexLock lock(tsfn_mutex_);
  tsfn_ = tsfn;
}

void EventChannel::OnEvents(std::vector<Event> events) {
  {
    const MutexLock lock(events_mutex_);
    if (released_) return;
    if (events_.empty()) {
      events_ = std::move(events);
    } else {
      events_.insert(events_.end(), std::make_move_iterator(events.begin()), std::make_move_iterator(events.end()));
    }
  }
  Wake();
}

void EventChannel::Wake() {
  {
    const MutexLock lock(events_mutex_);
    if (wake_pending_) return;
    wake_pending_ = true;
  }
  {
    const MutexLock lock(tsfn_mutex_);
    // It fails only where the environment is being torn down, and then nobody is there to be woken.
    if (tsfn_ != nullptr) static_cast<void>(napi_call_threadsafe_function(tsfn_, nullptr, napi_tsfn_nonblocking));
  }
  // Node wakes the JS thread with its own lock held. Where both share a core, that thread comes, waits for the lock and
  // is put behind this one, up to the next timer tick: 4 ms. Let it have the core.
  std::this_thread::yield();
}

void EventChannel::AcknowledgeWake() {
  const MutexLock lock(events_mutex_);
  wake_pending_ = false;
}

std::vector<Event> EventChannel::Take() {
  const MutexLock lock(events_mutex_);
  return std::exchange(events_, {});
}

void EventChannel::KeepAlive(napi_env env, bool keep) {
  if (keep == kept_alive_) return;
  const MutexLock lock(tsfn_mutex_);
  if (tsfn_ == nullptr) return;
  const napi_status status =
      keep ? napi_ref_threadsafe_function(env, tsfn_) : napi_unref_threadsafe_function(env, tsfn_);
  if (status == napi_ok) kept_alive_ = keep;
}

void EventChannel::Release(napi_threadsafe_function_release_mode mode) {
  {
    const MutexLock lock(tsfn_mutex_);
    if (tsfn_ == nullptr) return;
    napi_release_threadsafe_function(std::exchange(tsfn_, nullptr), mode);
  }
  const MutexLock lock(events_mutex_);
  released_ = true;
  events_.clear();
}

}  // namespace medinfer
