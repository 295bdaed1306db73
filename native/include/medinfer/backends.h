// Compute backends: plugins of ggml's, loaded by explicit path. The CPU's lies beside the addon; CUDA's there too, or
// in a package of its own.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "medinfer/status.h"

namespace medinfer {

struct DeviceInfo {
  std::string name;                // e.g. "CPU", "CUDA0"
  std::string description;         // e.g. "AMD EPYC"
  std::string backend;             // lower case: "cpu", "cuda", ...
  std::uint64_t memory_total = 0;  // bytes
  std::uint64_t memory_free = 0;
  std::string driver;              // of a CUDA device, e.g. "580.65.06"; empty where it is not known
  std::string compute_capability;  // of a CUDA device, e.g. "9.0"; empty where it is not known
};

// Loads the best CPU backend of those in `dir`. What is loaded is the only process-wide state of the core: ggml's
// registry is a singleton, and is never torn down. Any thread; only the first call does work.
Status InitBackends(const std::string& dir);

// Loads the CUDA backend, libggml-cuda.so. Fails with kNoDevice (no driver, no GPU, a driver older than the backend, a
// backend without code for this GPU), kDeviceBusy, kOutOfMemory, or kBackendLost where the file itself cannot be
// loaded. After a success further calls do nothing; after a failure they try again. Any thread; may take seconds.
// REQUIRES: InitBackends succeeded.
Status LoadCuda(const std::string& file);

// What has been loaded so far. REQUIRES: InitBackends succeeded.
std::vector<DeviceInfo> Devices();

}  // namespace medinfer
