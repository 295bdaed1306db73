// Devices that are no CPU, where there is no GPU: other processes compute, behind ggml's RPC backend. While they are
// registered, engines that ask for CUDA take them for GPUs.
#pragma once

#include <ggml-backend.h>

#include <cstddef>
#include <vector>

namespace medinfer::testing {

// The processes are started when they are first needed, and end with the test program; the devices are registered as
// long as this lives. Fails the test where that does not work.
class RemoteDevices {
 public:
  explicit RemoteDevices(std::size_t count);
  ~RemoteDevices();
  RemoteDevices(const RemoteDevices&) = delete;
  RemoteDevices& operator=(const RemoteDevices&) = delete;

  const std::vector<ggml_backend_dev_t>& list() const { return devices_; }
  ggml_backend_dev_t operator[](std::size_t i) const { return devices_[i]; }

 private:
  std::vector<ggml_backend_reg_t> servers_;
  std::vector<ggml_backend_dev_t> devices_;
};

}  // namespace medinfer::testing
