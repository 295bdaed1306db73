// Single operations of the CPU backend, for tests of what native/patches change of them.
#pragma once

#include <ggml-cpp.h>
#include <ggml-cpu.h>

#include <cstddef>
#include <memory>
#include <random>
#include <vector>

namespace medinfer {

std::vector<float> Normal(std::mt19937& random, std::size_t count);

std::vector<float> Values(const ggml_tensor* tensor);

// Writes `values` as the tensor's type, and returns what that type keeps of them.
std::vector<float> Store(ggml_tensor* tensor, const std::vector<float>& values);

// One graph of a few tensors on threads of the CPU backend.
class CpuGraph {
 public:
  static constexpr int kThreads = 2;

  // `outward`: as contexts that embed multiply, see the patch of that name.
  explicit CpuGraph(bool outward = false);

  ggml_context* context() { return context_.get(); }

  void Allocate() { buffer_.reset(ggml_backend_alloc_ctx_tensors(context_.get(), backend_.get())); }

  std::vector<float> Compute(ggml_tensor* result);

 private:
  std::unique_ptr<ggml_threadpool, decltype(&ggml_threadpool_free)> pool_{nullptr, nullptr};
  ggml_backend_ptr backend_;
  ggml_context_ptr context_;
  ggml_backend_buffer_ptr buffer_;
};

}  // namespace medinfer
