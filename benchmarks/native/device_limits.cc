// What a device can do at most, measured with ggml's own kernels: bytes a second that a copy moves, and multiply-adds a
// second of a large product of F16 matrices. Every figure of a benchmark is a share of one of the two.
//
//   device_limits BACKEND_DIR gpu|cpu [--quick]     prints one line of JSON
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "ggml-cpp.h"

namespace {

constexpr int kTensors = 8;
constexpr int kRuns = 5;

// Seconds of the fastest of some runs of the graph that `build` makes, after one that warms up.
double Fastest(ggml_backend_t backend, const std::function<ggml_tensor*(ggml_context*)>& build) {
  const ggml_context_ptr context(
      ggml_init({kTensors * ggml_tensor_overhead() + ggml_graph_overhead(), nullptr, /*no_alloc=*/true}));
  ggml_tensor* result = build(context.get());
  ggml_cgraph* graph = ggml_new_graph(context.get());
  ggml_build_forward_expand(graph, result);
  const ggml_backend_buffer_ptr buffer(ggml_backend_alloc_ctx_tensors(context.get(), backend));
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
  if (words.size() < 2 || (words[1] != "gpu" && words[1] != "cpu")) {
    std::fprintf(stderr, "usage: device_limits BACKEND_DIR gpu|cpu [--quick]\n");
    return 2;
  }
  ggml_log_set([](ggml_log_level, const char*, void*) {}, nullptr);
  ggml_backend_load_all_from_path(words[0].c_str());
  ggml_backend_dev_t device = ggml_backend_dev_by_type(words[1] == "gpu" ? GGML_BACKEND_DEVICE_TYPE_GPU
                                                                         : GGML_BACKEND_DEVICE_TYPE_CPU);
  if (device == nullptr) {
    std::fprintf(stderr, "no %s backend works in %s\n", words[1].c_str(), words[0].c_str());
    return 1;
  }
  const ggml_backend_ptr backend(ggml_backend_dev_init(device, nullptr));

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
