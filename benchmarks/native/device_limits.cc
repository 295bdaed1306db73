// What a device can do at most, measured with ggml's own kernels: bytes a second that a copy moves, and multiply-adds a
// second of a large product of F16 matrices. Every figure of a benchmark is a share of one of the two.
//
//   device_limits BACKEND_DIR [CUDA_BACKEND] [--quick]     prints one line of JSON; the first GPU, or else the CPU
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ggml-alloc.h"
#include "ggml-backend.h"
#include "ggml.h"

namespace {

struct Deleter {
  void operator()(ggml_context* context) const { ggml_free(context); }
  void operator()(ggml_backend* backend) const { ggml_backend_free(backend); }
  void operator()(ggml_backend_buffer* buffer) const { ggml_backend_buffer_free(buffer); }
};
template <typename T>
using Owned = std::unique_ptr<T, Deleter>;

constexpr int kTensors = 8;
constexpr int kRuns = 5;

// Seconds of the fastest of some runs of the graph that `build` makes, after one that warms up.
double Fastest(ggml_backend_t backend, const std::function<ggml_tensor*(ggml_context*)>& build) {
  const Owned<ggml_context> context(
      ggml_init({kTensors * ggml_tensor_overhead() + ggml_graph_overhead(), nullptr, /*no_alloc=*/true}));
  ggml_tensor* result = build(context.get());
  ggml_cgraph* graph = ggml_new_graph(context.get());
  ggml_build_forward_expand(graph, result);
  const Owned<ggml_backend_buffer> buffer(ggml_backend_alloc_ctx_tensors(context.get(), backend));
  if (!buffer) return 0;
  ggml_backend_buffer_clear(buffer.get(), 0);
  double fastest = 0;
  for (int run = 0; run <= kRuns; ++run) {
    const auto begin = std::chrono::steady_clock::now();
    ggml_backend_graph_compute(backend, graph);
    ggml_backend_synchronize(backend);
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
    if (run == 1 || (run > 1 && elapsed.count() < fastest)) fastest = elapsed.count();
  }
  return fastest;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  const bool quick = std::ranges::find(words, "--quick") != words.end();
  if (words.empty()) {
    std::fprintf(stderr, "usage: device_limits BACKEND_DIR [CUDA_BACKEND] [--quick]\n");
    return 2;
  }
  ggml_log_set([](ggml_log_level, const char*, void*) {}, nullptr);
  ggml_backend_load_all_from_path(words[0].c_str());
  if (words.size() > 1 && words[1] != "--quick") ggml_backend_load(words[1].c_str());
  ggml_backend_dev_t device = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_GPU);
  if (device == nullptr) device = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
  if (device == nullptr) {
    std::fprintf(stderr, "no backend works in %s\n", words[0].c_str());
    return 1;
  }
  const Owned<ggml_backend> backend(ggml_backend_dev_init(device, nullptr));

  const std::int64_t floats = quick ? 1 << 22 : 1 << 29;  // 16 MB, or 2 GB: far more than any cache
  const double copy = Fastest(backend.get(), [&](ggml_context* context) {
    return ggml_cpy(context, ggml_new_tensor_1d(context, GGML_TYPE_F32, floats),
                    ggml_new_tensor_1d(context, GGML_TYPE_F32, floats));
  });
  const std::int64_t side = quick ? 512 : 8192;
  const double product = Fastest(backend.get(), [&](ggml_context* context) {
    return ggml_mul_mat(context, ggml_new_tensor_2d(context, GGML_TYPE_F16, side, side),
                        ggml_new_tensor_2d(context, GGML_TYPE_F32, side, side));
  });
  const double bytes = 2.0 * sizeof(float) * static_cast<double>(floats);
  const double operations = 2.0 * static_cast<double>(side) * static_cast<double>(side) * static_cast<double>(side);
  std::printf("{\"device\":\"%s\",\"description\":\"%s\",\"bytesPerSecond\":%.4g,\"flopPerSecond\":%.4g}\n",
              ggml_backend_dev_name(device), ggml_backend_dev_description(device), copy > 0 ? bytes / copy : 0.0,
              product > 0 ? operations / product : 0.0);
  return 0;
}
