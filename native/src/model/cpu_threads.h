// The CPU threads of one llama_context: ggml thread pools that outlive a step (a context without one starts and ends
// threads for every graph), one per thread count in use, and the governors that choose the count.
// Not thread-safe: belongs to the engine thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>

#include "model/thread_governor.h"

struct ggml_threadpool;
struct llama_context;

namespace medinfer {

class CpuShare;

// How the CPU multiplies with weights.
enum class Products {
  kDot,      // a dot product for each value: what is quickest for few columns, in another way than for many
  kOutward,  // sums of outer products, for any number of columns: quickest for many, and a column's values hang on none
             // beside it
};

class CpuThreads {
 public:
  // `fixed`: the count to use always; 0: adapt, up to what AvailableCpus says.
  // `context` must outlive the object.
  CpuThreads(llama_context* context, std::uint32_t fixed, Products products);
  ~CpuThreads();
  CpuThreads(const CpuThreads&) = delete;
  CpuThreads& operator=(const CpuThreads&) = delete;

  // From now on an encoder shares the cores.
  void ShareWith(std::shared_ptr<const CpuShare> share) { share_ = std::move(share); }

  // Sets the context up for its next pass, of so many tokens, and returns the number of threads. Generating and reading
  // a prompt react differently to a busy host, so each has its own governor; and generating one for each magnitude of
  // a pass, because drafts change it from one to the next.
  std::uint32_t Prepare(bool prefill, std::uint32_t n_tokens);
  // Reports how long that pass took.
  void Report(bool prefill, std::uint32_t n_tokens, double ms);

 private:
  ThreadGovernor& GovernorOf(bool prefill, std::uint32_t n_tokens);

  struct PoolDeleter {
    void operator()(ggml_threadpool* pool) const;
  };

  llama_context* context_;
  std::uint32_t fixed_;
  Products products_;
  std::uint32_t most_;                     // threads
  std::shared_ptr<const CpuShare> share_;  // null: the cores are not shared
  bool gave_way_ = false;                  // the latest pass had fewer threads than were chosen for it
  std::map<int, ThreadGovernor> decode_;   // by the bits of the number of tokens
  ThreadGovernor prefill_;
  std::chrono::steady_clock::time_point latest_decode_;  // end of the latest pass that read no prompt
  std::map<std::uint32_t, std::unique_ptr<ggml_threadpool, PoolDeleter>> pools_;  // by thread count
  std::uint32_t attached_ = 0;  // thread count of the pool that context_ uses; 0: none yet
};

}  // namespace medinfer
