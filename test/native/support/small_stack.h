// A thread with less stack than any that text is tokenised in: what calls itself for each symbol ends the test there.
#pragma once

#include <pthread.h>

#include <functional>
#include <stdexcept>

namespace medinfer::testing {

// Runs `body` on such a thread, and waits for it. `body` throws nothing.
inline void RunWithSmallStack(const std::function<void()>& body) {
  constexpr std::size_t kStack = 256 * 1024;  // bytes; Node gives its workers 4 MB, macOS any thread 512 kB
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStack);
  pthread_t thread{};
  const auto run = [](void* function) -> void* {
    (*static_cast<const std::function<void()>*>(function))();
    return nullptr;
  };
  const int failed = pthread_create(&thread, &attributes, run, const_cast<void*>(static_cast<const void*>(&body)));
  pthread_attr_destroy(&attributes);
  if (failed != 0) throw std::runtime_error("no thread");
  pthread_join(thread, nullptr);
}

}  // namespace medinfer::testing
