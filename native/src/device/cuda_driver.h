// What NVIDIA's driver says of itself and its devices, asked of libcuda.so.1 alone. ggml's CUDA plugin ends the process
// where the driver fails it, so everything that can be wrong is found here before the plugin is loaded.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "medinfer/status.h"

namespace medinfer {

class CudaDriver {
 public:
  struct Device {
    std::string pci_bus_id;          // lower case, as ggml writes it: "0000:c1:00.0"
    std::uint32_t capability = 0;    // 90 for compute capability 9.0
    std::uint64_t memory_total = 0;  // bytes
  };

  // Fails with kNoDevice where there is no driver, or where it finds no device. `library` is another one in tests.
  static Result<CudaDriver> Open(const char* library = "libcuda.so.1");

  // 13000 for a driver that serves CUDA 13.0 and older.
  int cuda_version() const { return cuda_version_; }
  const std::vector<Device>& devices() const { return devices_; }

  // Whether every device lets this process in: kDeviceBusy where another process holds one exclusively, kOutOfMemory
  // where one has no room left for a context. Makes the contexts that the plugin then uses; they stay.
  Status Enter() const;

 private:
  struct Functions;

  CudaDriver() = default;

  std::shared_ptr<const Functions> functions_;
  int cuda_version_ = 0;
  std::vector<Device> devices_;
};

// The kernel module's version, e.g. "580.65.06"; empty where it does not say.
std::string NvidiaDriverVersion();

}  // namespace medinfer
