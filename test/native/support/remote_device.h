// A device that is no CPU, where there is no GPU: another process computes, behind ggml's RPC backend. From the first
// call on, engines that ask for CUDA take it for one.
#pragma once

#include <ggml-backend.h>

namespace medinfer::testing {

// Starts the process at the first call; it ends with the test program. Fails the test where that does not work.
ggml_backend_dev_t RemoteDevice();

}  // namespace medinfer::testing
