// Compute backends (CPU, CUDA, ...): plugins that lie beside the addon and are loaded by explicit path.
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
};

// Loads the backends found in `dir`: the best CPU variant for this machine, and a GPU backend where one lies there and
// its driver works. The only process-wide state of the core: ggml's registry is a singleton. Any thread; only the
// first call does work.
Status InitBackends(const std::string& dir);

// REQUIRES: InitBackends succeeded.
std::vector<DeviceInfo> Devices();

}  // namespace medinfer
