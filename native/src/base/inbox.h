// The way into a thread: any thread pushes, one thread drains.
#pragma once

#include <atomic>
#include <utility>
#include <vector>

#include "medinfer/mutex.h"

namespace medinfer {

template <typename T>
class Inbox {
 public:
  // Any thread. Drops the item once closed.
  void Push(T item) {
    {
      const MutexLock lock(mutex_);
      if (closed_) return;
      items_.push_back(std::move(item));
    }
    arrived_.NotifyOne();
  }

  // What has arrived, oldest first. With `wait`, blocks until there is something or the inbox is closed.
  std::vector<T> Drain(bool wait) {
    const MutexLock lock(mutex_);
    while (wait && !closed_ && items_.empty()) arrived_.Wait(mutex_);
    return std::exchange(items_, {});
  }

  // Any thread. Wakes the drainer.
  void Close() {
    {
      const MutexLock lock(mutex_);
      closed_ = true;
    }
    arrived_.NotifyOne();
  }

  // Any thread, without blocking: asked between graph nodes.
  bool closed() const { return closed_; }

 private:
  Mutex mutex_;
  ConditionVariable arrived_;
  std::vector<T> items_ MEDINFER_GUARDED_BY(mutex_);
  std::atomic<bool> closed_ = false;  // written under mutex_
};

}  // namespace medinfer
