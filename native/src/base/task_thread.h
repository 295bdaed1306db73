// A thread for work that others must not wait for. It starts with the first task.
#pragma once

#include <functional>
#include <thread>
#include <utility>

#include "base/inbox.h"
#include "base/pacer.h"
#include "medinfer/mutex.h"

namespace medinfer {

class TaskThread {
 public:
  using Task = std::function<void()>;

  // `pacer`, which outlives the thread, paces the tasks; null: nothing does.
  explicit TaskThread(Pacer* pacer = nullptr) : pacer_(pacer) {}
  // Ends the task that runs, and drops those that wait.
  ~TaskThread() { Stop(); }
  TaskThread(const TaskThread&) = delete;
  TaskThread& operator=(const TaskThread&) = delete;

  // Any thread. Tasks run in order. Drops the task once stopped. Throws std::system_error where there is no thread to
  // be had.
  void Push(Task task) {
    {
      const MutexLock lock(mutex_);
      if (!started_ && !closed()) {
        thread_ = std::thread([this] { Run(); });
        started_ = true;
      }
    }
    tasks_.Push(std::move(task));
  }

  // As the destructor does. Not by a task, and by one thread at a time.
  void Stop() {
    tasks_.Close();
    {
      const MutexLock lock(mutex_);  // a Push that starts the thread has done so, or will not
    }
    if (thread_.joinable()) thread_.join();
  }

  // Any thread: whether a task should give up.
  bool closed() const { return tasks_.closed(); }
  // Any thread.
  void Close() { tasks_.Close(); }

 private:
  void Run() {
    const Pacer::Scope scope(pacer_);
    while (!tasks_.closed()) {
      for (const Task& task : tasks_.Drain(/*wait=*/true)) {
        if (!tasks_.closed()) task();
      }
    }
  }

  Pacer* const pacer_;
  Inbox<Task> tasks_;
  Mutex mutex_;
  bool started_ MEDINFER_GUARDED_BY(mutex_) = false;
  std::thread thread_;  // written under mutex_, before Stop
};

}  // namespace medinfer
