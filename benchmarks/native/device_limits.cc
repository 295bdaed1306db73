// What a device can do at most, measured with ggml's own kernels: bytes a second that a copy moves or that a product of a
// large matrix and a vector reads, whichever are more, and operations a second of a large product of F16 matrices. Every
// figure of a benchmark is a share of one of the two.
//
//   device_limits BACKEND_DIR gpu|cpu [--quick]     prints one line of JSON
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "ggml-cpp.h"

namespace {

constexpr int kTensors = 8;
constexpr int kRuns = 5;
// An idle GPU takes a while to raise its clocks.
constexpr double kWarmSeconds = 0.5;

// Random values, the same 16 MB of them again and again. Zeros would flatter a GPU: they take it less power, and so less time.
void FillAtRandom(ggml_tensor* tensor) {
  std::minstd_rand random(1);
  std::uniform_real_distribution<float> uniform(-1, 1);
  const std::int64_t elements = ggml_nelements(tensor);
  std::vector<float> values(static_cast<std::size_t>(std::min<std::int64_t>(elements, 1 << 22)));
  std::ranges::generate(values, [&] { return uniform(random); });
  std::vector<std::uint8_t> bytes(ggml_row_size(tensor->type, static_cast<std::int64_t>(values.size())));
  if (tensor->type == GGML_TYPE_F16) {
    ggml_fp32_to_fp16_row(values.data(), reinterpret_cast<ggml_fp16_t*>(bytes.data()),
                          static_cast<std::int64_t>(values.size()));
  } else {
    std::memcpy(bytes.data(), values.data(), bytes.size());
  }
  for (std::size_t at = 0; at < ggml_nbytes(tensor); at += bytes.size()) {
    ggml_backend_tensor_set(tensor, bytes.data(), at, std::min(bytes.size(), ggml_nbytes(tensor) - at));
  }
}

// Seconds of the fastest of some runs of the graph that `build` makes, and of more for so many seconds.
double Fastest(ggml_backend_t backend, double seconds, const std::function<ggml_tensor*(ggml_context*)>& build) {
  const ggml_context_ptr context(
      ggml_init({kTensors * ggml_tensor_overhead() + ggml_graph_overhead(), nullptr, /*no_alloc=*/true}));
  ggml_tensor* result = build(context.get());
  ggml_cgraph* graph = ggml_new_graph(context.get());
  ggml_build_forward_expand(graph, result);
  const ggml_backend_buffer_ptr buffer(ggml_backend_alloc_ctx_tensors(context.get(), backend));
  if (!buffer) return std::numeric_limits<double>::infinity();
  for (ggml_tensor* tensor : result->src) {
    if (tensor != nullptr) FillAtRandom(tensor);
  }
  double fastest = std::numeric_limits<double>::infinity();
  double total = 0;
  for (int run = 0; run <= kRuns || total < seconds; ++run) {
    const auto begin = std::chrono::steady_clock::now();
    ggml_backend_graph_compute(backend, graph);
    ggml_backend_synchronize(backend);
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
    if (run > 0) fastest = std::min(fastest, elapsed.count());
    total += elapsed.count();
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

  const double warm = quick ? 0 : kWarmSeconds;
  const std::int64_t floats = quick ? 1 << 22 : 1 << 29;  // 16 MB, or 2 GB: far more than any cache
  const double copy = Fastest(backend.get(), warm, [&](ggml_context* context) {
    return ggml_cpy(context, ggml_new_tensor_1d(context, GGML_TYPE_F32, floats),
                    ggml_new_tensor_1d(context, GGML_TYPE_F32, floats));
  });
  const std::int64_t side = quick ? 512 : 8192;
  const std::int64_t rows = quick ? 1 << 13 : 1 << 17;  // 8 MB, or 2 GB
  const double read = Fastest(backend.get(), warm, [&](ggml_context* context) {
    return ggml_mul_mat(context, ggml_new_tensor_2d(context, GGML_TYPE_F16, side, rows),
                        ggml_new_tensor_1d(context, GGML_TYPE_F32, side));
  });
  const double product = Fastest(backend.get(), warm, [&](ggml_context* context) {
    return ggml_mul_mat(context, ggml_new_tensor_2d(context, GGML_TYPE_F16, side, side),
                        ggml_new_tensor_2d(context, GGML_TYPE_F32, side, side));
  });
  const double copied = 2.0 * sizeof(float) * static_cast<double>(floats);
  const double weights = static_cast<double>(ggml_row_size(GGML_TYPE_F16, side)) * static_cast<double>(rows);
  const double operations = 2.0 * static_cast<double>(side) * static_cast<double>(side) * static_cast<double>(side);
  std::printf(
      "{\"device\":\"%s\",\"description\":\"%s\",\"bytesPerSecond\":%.4g,\"copied\":%.4g,\"read\":%.4g,"
      "\"flopPerSecond\":%.4g}\n",
      ggml_backend_dev_name(device), ggml_backend_dev_description(device), std::max(copied / copy, weights / read),
      copied / copy, weights / read, operations / product);
  return 0;
}
