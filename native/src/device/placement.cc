#include "device/placement.h"

#include <algorithm>
#include <shared_mutex>
#include <utility>

#include "device/registry.h"
#include "medinfer/backends.h"

namespace medinfer {
namespace {

// CUDA's: no other backend of GPUs is ever loaded.
std::vector<ggml_backend_dev_t> LoadedGpus() {
  const std::shared_lock registry(RegistryMutex());
  std::vector<ggml_backend_dev_t> devices;
  for (std::size_t i = 0; i < ggml_backend_dev_count(); ++i) {
    ggml_backend_dev_t device = ggml_backend_dev_get(i);
    if (ggml_backend_dev_type(device) == GGML_BACKEND_DEVICE_TYPE_GPU) devices.push_back(device);
  }
  return devices;
}

Status LoadCudaOf(const LoadOptions& options) {
  if (options.cuda_backend.empty()) {
    return {Code::kNoDevice,
            "the CUDA backend is not installed: run \"npm install @medinfer/linux-x64-cuda\", or build it for this "
            "machine with \"npm run build:cuda\" in medinfer's folder"};
  }
  return LoadCuda(options.cuda_backend);
}

}  // namespace

Result<Placement> ChooseDevices(const LoadOptions& options) {
  Placement placement;
  const bool must = options.device == Device::kCuda;
  const bool may = options.device == Device::kAuto && options.n_gpu_layers != 0 && !options.cuda_backend.empty();
  if (!must && !may) return placement;
  placement.devices = LoadedGpus();
  if (placement.devices.empty()) {
    if (Status status = LoadCudaOf(options); !status.ok()) {
      if (must) return status;
      placement.warning = status.message();
      return placement;
    }
    placement.devices = LoadedGpus();
  }
  placement.n_gpu_layers = options.n_gpu_layers;
  if (options.main_gpu >= placement.devices.size()) {
    return Status(Code::kInvalidArgument, "mainGpu is " + std::to_string(options.main_gpu) + ", and there are " +
                                              std::to_string(placement.devices.size()) + " GPUs, counted from 0");
  }
  if (options.tensor_split.size() > placement.devices.size()) {
    return Status(Code::kInvalidArgument, "tensorSplit holds " + std::to_string(options.tensor_split.size()) +
                                              " shares, and there are " + std::to_string(placement.devices.size()) +
                                              " GPUs");
  }
  if (options.split_mode == SplitMode::kNone) placement.devices = {placement.devices[options.main_gpu]};
  return placement;
}

Result<std::int32_t> FitLayers(std::int32_t n_layers, const std::vector<std::uint64_t>& free_bytes,
                               const MeasureFn& measure) {
  const auto fits = [&](std::int32_t layers) -> Result<bool> {
    const auto needed = measure(layers);
    if (!needed.ok()) return needed.status();
    for (std::size_t i = 0; i < free_bytes.size(); ++i) {
      if (needed.value()[i].total() + kMarginBytes > free_bytes[i]) return false;
    }
    return true;
  };
  const std::int32_t all = n_layers + 1;
  auto whole = fits(all);
  if (!whole.ok()) return whole.status();
  if (whole.value()) return all;
  std::int32_t fitting = 0;  // no layer: nothing to measure, the model is then not placed there at all
  std::int32_t too_many = all;
  while (too_many - fitting > 1) {
    const std::int32_t middle = fitting + (too_many - fitting) / 2;
    auto fit = fits(middle);
    if (!fit.ok()) return fit.status();
    (fit.value() ? fitting : too_many) = middle;
  }
  return fitting;
}

}  // namespace medinfer
