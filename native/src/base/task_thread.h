// A thread for work that may wait for a disk. It starts with the first task.
#pragma once

#include <functional>
#include <thread>
#include <utility>

#include "base/inbox.h"

namespace medinfer {

class TaskThread {
 public:
  using Task = std::function<void()>;

  TaskThread() = default;
  // Ends the task that runs, and drops those that wait.
  ~TaskThread() { Stop(); }
  TaskThread(const TaskThread&) = delete;
  TaskThread& operator=(const TaskThread&) = delete;

  // Always by the same thread. Tasks run in order.
  void Push(Task task) {
    if (!thread_.joinable()) thread_ = std::thread([this] { Run(); });
    tasks_.Push(std::move(task));
  }

  // As the destructor does. By the thread that pushes.
  void Stop() {
    tasks_.Close();
    if (thread_.joinable()) thread_.join();
  }

  // Any thread: whether a task should give up.
  bool closed() const { return tasks_.closed(); }
  // Any thread.
  void Close() { tasks_.Close(); }

 private:
  void Run() {
    while (!tasks_.closed()) {
      for (const Task& task : tasks_.Drain(/*wait=*/true)) {
        if (!tasks_.closed()) task();
      }
    }
  }

  Inbox<Task> tasks_;
  std::thread thread_;
};

}  // namespace medinfer
