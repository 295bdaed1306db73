// Where a model runs: on which devices, with how many of its layers.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "ggml-backend.h"
#include "medinfer/load_options.h"
#include "medinfer/model_info.h"
#include "medinfer/status.h"

namespace medinfer {

struct Placement {
  std::vector<ggml_backend_dev_t> devices;  // beside the CPU; empty: the CPU alone
  std::int32_t n_gpu_layers = 0;            // the output counts as one more layer; negative: all
  std::size_t main = 0;                     // which of the devices has what is not divided: the projector
  std::string warning;                      // why it is not on the GPU, although one was to be used; mostly empty
};

// The devices that the options ask for. Loads the CUDA backend where they may. Fails, where they ask for CUDA, with
// what LoadCuda fails with, or kNoDevice; and with kInvalidArgument where the main GPU does not exist, where there is
// not one share for each GPU, where the backend cannot divide a model that way, and where the KV cache is F32.
Result<Placement> ChooseDevices(const LoadOptions& options);

// Memory of a load by device, in the order of the placement's devices and then the host's.
// Called with a number of layers; what it fails with ends the search.
using MeasureFn = std::function<Result<std::vector<DeviceMemory>>(std::int32_t n_gpu_layers)>;

// Whether that leaves kMarginBytes free on every device.
bool Fits(const std::vector<DeviceMemory>& needed, const std::vector<std::uint64_t>& free_bytes);

// The most layers, up to `n_layers` and the output, that leave kMarginBytes free on every device. 0: not even one.
// REQUIRES: more layers never take less of a device. Measures O(log n) times.
Result<std::int32_t> FitLayers(std::int32_t n_layers, const std::vector<std::uint64_t>& free_bytes,
                               const MeasureFn& measure);

// Left free on a device: for cuBLAS, for the graphs of CUDA and what its kernels allocate while they run, and for the
// largest image. llama.cpp leaves as much when it fits a model (common/fit.cpp).
constexpr std::uint64_t kMarginBytes = 1ULL << 30U;

}  // namespace medinfer
