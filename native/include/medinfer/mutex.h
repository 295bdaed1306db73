// A mutex that Clang's thread-safety analysis understands: what is said to be guarded by one is touched with it held,
// or the build with Clang says where it is not (npm run tidy). With other compilers the annotations are nothing.
#pragma once

#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define MEDINFER_THREAD_ATTRIBUTE(attribute) __attribute__((attribute))
#else
#define MEDINFER_THREAD_ATTRIBUTE(attribute)
#endif

// Of a member: `mutex` is held wherever it is read or written.
#define MEDINFER_GUARDED_BY(mutex) MEDINFER_THREAD_ATTRIBUTE(guarded_by(mutex))
// Of a function: its callers hold `mutex`.
#define MEDINFER_REQUIRES(mutex) MEDINFER_THREAD_ATTRIBUTE(requires_capability(mutex))

namespace medinfer {

class MEDINFER_THREAD_ATTRIBUTE(capability("mutex")) Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

 private:
  friend class MutexLock;
  friend class ConditionVariable;

  std::mutex mutex_;
};

// Holds a mutex while it lives.
class MEDINFER_THREAD_ATTRIBUTE(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) MEDINFER_THREAD_ATTRIBUTE(acquire_capability(mutex)) : lock_(mutex.mutex_) {}
  ~MutexLock() MEDINFER_THREAD_ATTRIBUTE(release_capability()) = default;
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  std::lock_guard<std::mutex> lock_;
};

class ConditionVariable {
 public:
  void NotifyOne() { changed_.notify_one(); }

  // Gives the mutex up until it is notified, or for no reason: ask again what was waited for.
  void Wait(Mutex& mutex) MEDINFER_REQUIRES(mutex) {
    std::unique_lock lock(mutex.mutex_, std::adopt_lock);
    changed_.wait(lock);
    lock.release();  // the caller's again
  }

 private:
  std::condition_variable changed_;
};

}  // namespace medinfer
