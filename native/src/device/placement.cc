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

// Whether a matrix can have its rows on several devices. llama.cpp has taken that out of its CUDA backend.
bool SplitsRows(ggml_backend_dev_t device) {
  return ggml_backend_reg_get_proc_address(ggml_backend_dev_backend_reg(device), "ggml_backend_split_buffer_type") !=
         nullptr;
}

Status LoadCudaOf(const LoadOptions& options) {
  if (options.cuda_backend.empty()) {
    return {Code::kNoDevice, options.cuda_problem.empty() ? "no CUDA backend was named" : options.cuda_problem};
  }
  return LoadCuda(options.cuda_backend);
}

}  // namespace

Result<Placement> ChooseDevices(const LoadOptions& options) {
  Placement placement;
  const bool must = options.device == Device::kCuda;
  const bool may = options.device == Device::kAuto && options.n_gpu_layers != 0 && !options.cuda_backend.empty();
  if (!must && !may) return placement;
  if (options.kv_type == KvType::kF32) {
    const std::string reason = "kv.type \"f32\" attends in F32, as only the CPU's kernels do";
    if (must) {
      return Status(Code::kInvalidArgument, reason + ": choose device \"cpu\", or kv.type \"f16\"");
    }
    placement.warning = reason + ": the model is on the CPU; choose kv.type \"f16\" for the GPU";
    return placement;
  }
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
  if (!options.tensor_split.empty() && options.tensor_split.size() != placement.devices.size()) {
    return Status(Code::kInvalidArgument, "tensorSplit holds " + std::to_string(options.tensor_split.size()) +
                                              " shares, and there are " + std::to_string(placement.devices.size()) +
                                              " GPUs: name one share for each");
  }
  if (options.split_mode == SplitMode::kRow && !std::ranges::all_of(placement.devices, SplitsRows)) {
    return Status(
        Code::kInvalidArgument,
        "splitMode \"row\" is not served by this backend: use \"tensor\", which took its place, or \"layer\"");
  }
  if (options.split_mode == SplitMode::kNone) {
    placement.devices = {placement.devices[options.main_gpu]};
  } else {
    placement.main = options.main_gpu;
  }
  return placement;
}

bool Fits(const std::vector<DeviceMemory>& needed, const std::vector<std::uint64_t>& free_bytes) {
  for (std::size_t i = 0; i < free_bytes.size(); ++i) {
    if (needed[i].total() + kMarginBytes > free_bytes[i]) return false;
  }
  return true;
}

Result<std::int32_t> FitLayers(std::int32_t n_layers, const std::vector<std::uint64_t>& free_bytes,
                               const MeasureFn& measure) {
  const auto fits = [&](std::int32_t layers) -> Result<bool> {
    const auto needed = measure(layers);
    if (!needed.ok()) return needed.status();
    return Fits(needed.value(), free_bytes);
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
