#include "model/cpu_threads.h"

#include <bit>

#include "device/available_cpus.h"
#include "device/cpu_share.h"
#include "ggml-backend.h"
#include "ggml-cpu.h"
#include "llama.h"

namespace medinfer {
namespace {

// The CPU backend is a plugin, so its functions are looked up by name.
template <typename Fn>
Fn CpuBackendFunction(const char* name) {
  ggml_backend_dev_t device = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
  return reinterpret_cast<Fn>(ggml_backend_reg_get_proc_address(ggml_backend_dev_backend_reg(device), name));
}

// Rounds of 16384 pauses that a worker spins before it sleeps, see ggml_threadpool_params: some 0.3 ms each. Long
// enough to bridge the gap between two steps, short enough not to keep a core from what comes between two requests.
constexpr std::uint32_t kPoll = 1;

// How busy the host is may have changed after this long without a pass.
constexpr std::chrono::seconds kStale{1};

}  // namespace

void CpuThreads::PoolDeleter::operator()(ggml_threadpool* pool) const {
  CpuBackendFunction<decltype(&ggml_threadpool_free)>("ggml_threadpool_free")(pool);
}

CpuThreads::CpuThreads(llama_context* context, std::uint32_t fixed, Products products)
    : context_(context),
      fixed_(fixed),
      products_(products),
      most_(fixed > 0 ? fixed : AvailableCpus()),
      prefill_(most_) {}

CpuThreads::~CpuThreads() { llama_detach_threadpool(context_); }

ThreadGovernor& CpuThreads::GovernorOf(bool prefill, std::uint32_t n_tokens) {
  return prefill ? prefill_ : decode_.try_emplace(std::bit_width(n_tokens), most_).first->second;
}

std::uint32_t CpuThreads::Prepare(bool prefill, std::uint32_t n_tokens) {
  const bool stale = std::chrono::steady_clock::now() - latest_decode_ > kStale;
  if (fixed_ == 0 && !prefill && stale) {
    for (auto& [bits, governor] : decode_) governor.Resume();
  }
  const std::uint32_t chosen = fixed_ > 0 ? fixed_ : GovernorOf(prefill, n_tokens).threads();
  const std::uint32_t n = share_ ? share_->ForDecoding(chosen) : chosen;
  gave_way_ = n < chosen;
  if (n == attached_) return n;
  auto& pool = pools_[n];
  if (pool == nullptr) {
    ggml_threadpool_params params = ggml_threadpool_params_default(static_cast<int>(n));
    params.poll = kPoll;
    params.outward = products_ == Products::kOutward;
    pool.reset(CpuBackendFunction<decltype(&ggml_threadpool_new)>("ggml_threadpool_new")(&params));
  }
  llama_attach_threadpool(context_, pool.get(), nullptr);
  llama_set_n_threads(context_, static_cast<std::int32_t>(n), static_cast<std::int32_t>(n));
  attached_ = n;
  return n;
}

void CpuThreads::Report(bool prefill, std::uint32_t n_tokens, double ms) {
  if (fixed_ > 0 || gave_way_) return;
  if (!prefill) latest_decode_ = std::chrono::steady_clock::now();
  GovernorOf(prefill, n_tokens).Report(n_tokens, ms);
}

}  // namespace medinfer
