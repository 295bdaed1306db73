// The CPU threads of one llama_context: ggml thread pools that outlive a step (a context without one starts and ends
// threads for every graph), one per thread count in use, and the governors that choose the count.
// Not thread-safe: belongs to the engine thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>

#include "model/thread_governor.h"

struct ggml_threadpool;
struct llama_context;

namespace medinfer {

class CpuThreads {
 public:
  // `fixed`: the count to use always; 0: adapt, up to what AvailableCpus says.
  // `context` must outlive the object.
  CpuThreads(llama_context* context, std::uint32_t fixed);
  ~CpuThreads();
  CpuThreads(const CpuThreads&) = delete;
  CpuThreads& operator=(const CpuThreads&) = delete;

  // Sets the context up for its next pass and returns the number of threads. Generating and reading a prompt react
  // differently to a busy host, so each has its own governor.
  std::uint32_t Prepare(bool prefill);
  // Reports how long that pass took.
  void Report(bool prefill, std::uint32_t n_tokens, double ms);

 private:
  struct PoolDeleter {
    void operator()(ggml_threadpool* pool) const;
  };

  llama_context* context_;
  std::uint32_t fixed_;
  ThreadGovernor decode_;
  ThreadGovernor prefill_;
  std::chrono::steady_clock::time_point latest_decode_;  // end of the latest pass that read no prompt
  std::map<std::uint32_t, std::unique_ptr<ggml_threadpool, PoolDeleter>> pools_;  // by thread count
  std::uint32_t attached_ = 0;  // thread count of the pool that context_ uses; 0: none yet
};

}  // namespace medinfer
