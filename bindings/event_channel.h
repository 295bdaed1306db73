// The way from an engine's threads to JavaScript: one thread-safe function per engine.
//
// Invariants:
//  - At most one call of the thread-safe function is under way. While it is, events are appended to
//    the batch that it will take: however slow JavaScript is, the call queue holds one entry.
//  - After Release the thread-safe function is not touched any more, from any thread. Node frees it
//    in its own cleanup hook, whatever references other threads hold, so Release must come first.
//  - No thread wakes JavaScript with events_mutex_ held: the JS thread, which may run at once and on
//    the same core, would only come to wait for it.
//  - No reference to a JavaScript value lives here: the last owner may be an engine's thread.
#pragma once

#include <memory>
#include <vector>

#include "medinfer/events.h"
#include "medinfer/mutex.h"
#include "napi_setup.h"

namespace medinfer {

class EventChannel final : public EventSink {
 public:
  // Both are called on the JS thread and must not throw.
  class Listener {
   public:
    virtual ~Listener() = default;
    // Something may have changed since the last call; `on_events` is the function given to Open.
    virtual void OnWake(napi_env env, napi_value on_events) = 0;
    // The last call: the thread-safe function is gone. May delete the listener.
    virtual void OnReleased() = 0;
  };

  // JS thread. The channel keeps the event loop alive until KeepAlive says otherwise.
  // `listener` must live until its OnReleased.
  static std::shared_ptr<EventChannel> Open(Napi::Env env, Napi::Function on_events, Listener* listener);

  EventChannel() = default;
  EventChannel(const EventChannel&) = delete;
  EventChannel& operator=(const EventChannel&) = delete;

  // Any thread.
  void OnEvents(std::vector<Event> events) override;
  // Any thread. Causes one OnWake; several wakes before it count as one.
  void Wake();

  // JS thread. From here on a change causes another OnWake: call it in OnWake before looking at
  // anything that another thread changes.
  void AcknowledgeWake();
  // JS thread. The events since the last call.
  std::vector<Event> Take();
  // JS thread. Whether this channel keeps the event loop, and so the process, alive.
  void KeepAlive(napi_env env, bool keep);
  // JS thread. Idempotent. `mode`: abort drops a wake that is under way.
  void Release(napi_threadsafe_function_release_mode mode);

 private:
  void Adopt(napi_threadsafe_function tsfn);

  Mutex events_mutex_;
  std::vector<Event> events_ MEDINFER_GUARDED_BY(events_mutex_);
  bool wake_pending_ MEDINFER_GUARDED_BY(events_mutex_) = false;
  bool released_ MEDINFER_GUARDED_BY(events_mutex_) = false;

  Mutex tsfn_mutex_;
  napi_threadsafe_function tsfn_ MEDINFER_GUARDED_BY(tsfn_mutex_) = nullptr;  // null once released

  bool kept_alive_ = true;  // JS thread
};

}  // namespace medinfer
