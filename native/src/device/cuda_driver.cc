#include "device/cuda_driver.h"

#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>
#include <utility>

namespace medinfer {
namespace {

// The part of cuda.h that is used here. NVIDIA keeps the driver's interface stable: a driver serves every older one.
using CUresult = int;
using CUdevice = int;
using CUcontext = void*;
constexpr CUresult kSuccess = 0;
constexpr CUresult kErrorOutOfMemory = 2;
constexpr CUresult kErrorNoDevice = 100;
constexpr CUresult kErrorDeviceUnavailable = 46;
constexpr int kCapabilityMajor = 75;
constexpr int kCapabilityMinor = 76;
constexpr int kPciBusIdLength = 32;

}  // namespace

struct CudaDriver::Functions {
  CUresult (*init)(unsigned int) = nullptr;
  CUresult (*get_version)(int*) = nullptr;
  CUresult (*get_count)(int*) = nullptr;
  CUresult (*get_device)(CUdevice*, int) = nullptr;
  CUresult (*get_attribute)(int*, int, CUdevice) = nullptr;
  CUresult (*get_pci_bus_id)(char*, int, CUdevice) = nullptr;
  CUresult (*get_total_memory)(std::size_t*, CUdevice) = nullptr;
  CUresult (*get_error_name)(CUresult, const char**) = nullptr;
  CUresult (*retain_context)(CUcontext*, CUdevice) = nullptr;

  // The library stays loaded: the driver cannot be unloaded safely, and the plugin needs it next.
  bool Find(void* handle) {
    const auto find = [&](auto& function, const char* name) {
      function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(handle, name));
      return function != nullptr;
    };
    return find(init, "cuInit") && find(get_version, "cuDriverGetVersion") && find(get_count, "cuDeviceGetCount") &&
           find(get_device, "cuDeviceGet") && find(get_attribute, "cuDeviceGetAttribute") &&
           find(get_pci_bus_id, "cuDeviceGetPCIBusId") && find(get_total_memory, "cuDeviceTotalMem_v2") &&
           find(get_error_name, "cuGetErrorName") && find(retain_context, "cuDevicePrimaryCtxRetain");
  }

  std::string NameOf(CUresult error) const {
    const char* name = nullptr;
    if (get_error_name(error, &name) != kSuccess || name == nullptr) return "error " + std::to_string(error);
    return name;
  }
};

Result<CudaDriver> CudaDriver::Open(const char* library) {
  void* handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    return Status(
        Code::kNoDevice,
        "no NVIDIA driver is installed here (there is no libcuda.so.1): install it, give the container access "
        "to the GPU, or load with device: 'cpu'");
  }
  auto functions = std::make_shared<Functions>();
  if (!functions->Find(handle)) {
    return Status(Code::kNoDevice, "the NVIDIA driver here is older than CUDA 7: install a newer one");
  }
  if (const CUresult error = functions->init(0); error != kSuccess && error != kErrorNoDevice) {
    return Status(Code::kNoDevice, "the NVIDIA driver does not start (" + functions->NameOf(error) +
                                       "): its library and its kernel module may differ after an update; reboot, or "
                                       "install the driver again");
  }
  CudaDriver driver;
  int count = 0;
  if (functions->get_count(&count) != kSuccess || count == 0) {
    return Status(
        Code::kNoDevice,
        "the NVIDIA driver finds no GPU: check nvidia-smi, CUDA_VISIBLE_DEVICES, and what the container may see");
  }
  functions->get_version(&driver.cuda_version_);
  for (int i = 0; i < count; ++i) {
    CUdevice device = 0;
    functions->get_device(&device, i);
    int major = 0;
    int minor = 0;
    functions->get_attribute(&major, kCapabilityMajor, device);
    functions->get_attribute(&minor, kCapabilityMinor, device);
    std::array<char, kPciBusIdLength> id{};
    functions->get_pci_bus_id(id.data(), kPciBusIdLength, device);
    std::size_t memory = 0;
    functions->get_total_memory(&memory, device);
    Device found{id.data(), static_cast<std::uint32_t>(major * 10 + minor), memory};
    std::ranges::transform(found.pci_bus_id, found.pci_bus_id.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    driver.devices_.push_back(std::move(found));
  }
  driver.functions_ = std::move(functions);
  return driver;
}

Status CudaDriver::Enter() const {
  for (std::size_t i = 0; i < devices_.size(); ++i) {
    CUdevice device = 0;
    functions_->get_device(&device, static_cast<int>(i));
    CUcontext context = nullptr;
    const CUresult error = functions_->retain_context(&context, device);
    if (error == kSuccess) continue;
    const std::string which = "GPU " + std::to_string(i);
    if (error == kErrorOutOfMemory) {
      return {Code::kOutOfMemory, which +
                                      " has no memory left for another process: free some, or hide the GPU with "
                                      "CUDA_VISIBLE_DEVICES"};
    }
    if (error == kErrorDeviceUnavailable) {
      return {Code::kDeviceBusy, which +
                                     " is held by another process alone: try again when that has ended, or set its "
                                     "compute mode to default (nvidia-smi -c 0)"};
    }
    return {Code::kNoDevice, which + " cannot be used (" + functions_->NameOf(error) +
                                 "): see nvidia-smi, or hide it "
                                 "with CUDA_VISIBLE_DEVICES"};
  }
  return {};
}

std::string NvidiaDriverVersion() {
  std::string version;
  std::ifstream file("/sys/module/nvidia/version");
  std::getline(file, version);
  return version;
}

}  // namespace medinfer
