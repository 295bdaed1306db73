// The way into a thread: any thread pushes, one thread drains.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <utility>
#include <vector>

namespace medinfer {

template <typename T>
class Inbox {
 public:
  // Any thread. Drops the item once closed.
  void Push(T item) {
    {
      const std::lock_guard lock(mutex_);
      if (closed_) return;
      items_.push_back(std::move(item));
    }
    arrived_.notify_one();
  }

  // What has arrived, oldest first. With `wait`, blocks until there is something or the inbox is closed.
  std::vector<T> Drain(bool wait) {
    std::unique_lock lock(mutex_);
    if (wait) arrived_.wait(lock, [this] { return closed_ || !items_.empty(); });
    return std::exchange(items_, {});
  }

  // Any thread. Wakes the drainer.
  void Close() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    arrived_.notify_one();
  }

  // Any thread, without blocking: asked between graph nodes.
  bool closed() const { return closed_; }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<T> items_;
  std::atomic<bool> closed_ = false;  // written under mutex_
};

}  // namespace medinfer
