#include "support/cpu_graph.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <stdexcept>

#include "medinfer/backends.h"
#include "support/places.h"

namespace medinfer {

std::vector<float> Normal(std::mt19937& random, std::size_t count) {
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  std::generate(values.begin(), values.end(), [&] { return normal(random); });
  return values;
}

std::vector<float> Values(const ggml_tensor* tensor) {
  std::vector<float> values(static_cast<std::size_t>(ggml_nelements(tensor)));
  ggml_backend_tensor_get(tensor, values.data(), 0, values.size() * sizeof(float));
  return values;
}

std::vector<float> Store(ggml_tensor* tensor, const std::vector<float>& values) {
  if (tensor->type == GGML_TYPE_F32) {
    ggml_backend_tensor_set(tensor, values.data(), 0, ggml_nbytes(tensor));
    return values;
  }
  const std::int64_t columns = tensor->ne[0];
  const std::int64_t rows = static_cast<std::int64_t>(values.size()) / columns;
  std::vector<std::uint8_t> data(ggml_nbytes(tensor));
  ggml_quantize_chunk(tensor->type, values.data(), data.data(), 0, rows, columns, nullptr);
  ggml_backend_tensor_set(tensor, data.data(), 0, data.size());
  std::vector<float> kept(values.size());
  ggml_get_type_traits(tensor->type)->to_float(data.data(), kept.data(), static_cast<std::int64_t>(kept.size()));
  return kept;
}

CpuGraph::CpuGraph(bool outward) {
  const Status backends = InitBackends(places::kBackends);
  if (!backends.ok()) throw std::runtime_error(backends.message());
  backend_.reset(ggml_backend_init_by_type(GGML_BACKEND_DEVICE_TYPE_CPU, nullptr));
  auto* registry = ggml_backend_dev_backend_reg(ggml_backend_get_device(backend_.get()));
  const auto function = [registry](const char* name) { return ggml_backend_reg_get_proc_address(registry, name); };
  reinterpret_cast<ggml_backend_set_n_threads_t>(function("ggml_backend_set_n_threads"))(backend_.get(), kThreads);
  if (outward) {
    ggml_threadpool_params params = ggml_threadpool_params_default(kThreads);
    params.outward = true;
    const auto make = reinterpret_cast<decltype(&ggml_threadpool_new)>(function("ggml_threadpool_new"));
    const auto free = reinterpret_cast<decltype(&ggml_threadpool_free)>(function("ggml_threadpool_free"));
    pool_ = {make(&params), free};
    reinterpret_cast<decltype(&ggml_backend_cpu_set_threadpool)>(function("ggml_backend_cpu_set_threadpool"))(
        backend_.get(), pool_.get());
  }
  context_.reset(ggml_init({.mem_size = 64 * ggml_tensor_overhead(), .mem_buffer = nullptr, .no_alloc = true}));
}

std::vector<float> CpuGraph::Compute(ggml_tensor* result) {
  const ggml_context_ptr own{ggml_init({.mem_size = ggml_graph_overhead(), .mem_buffer = nullptr, .no_alloc = true})};
  ggml_cgraph* graph = ggml_new_graph(own.get());
  ggml_build_forward_expand(graph, result);
  EXPECT_EQ(ggml_backend_graph_compute(backend_.get(), graph), GGML_STATUS_SUCCESS);
  return Values(result);
}

}  // namespace medinfer
