// A device for another process: rpc_device PORT serves this machine's CPU on 127.0.0.1 until its parent ends. It stands
// for a GPU where there is none: its memory is not the host's, and everything goes through the interface of a device.
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include <csignal>
#include <cstdio>
#include <string>

#include "ggml-backend.h"
#include "ggml-rpc.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: rpc_device PORT\n");
    return 2;
  }
#ifdef __linux__
  prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
  ggml_log_set([](ggml_log_level, const char*, void*) {}, nullptr);
  ggml_backend_load_all_from_path(MEDINFER_BACKEND_DIR);
  ggml_backend_reg_t rpc = ggml_backend_load(MEDINFER_RPC_BACKEND);
  ggml_backend_dev_t cpu = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
  if (rpc == nullptr || cpu == nullptr) {
    std::fprintf(stderr, "no RPC backend in " MEDINFER_RPC_BACKEND ", or no CPU backend in " MEDINFER_BACKEND_DIR "\n");
    return 1;
  }
  const auto start = reinterpret_cast<decltype(&ggml_backend_rpc_start_server)>(
      ggml_backend_reg_get_proc_address(rpc, "ggml_backend_rpc_start_server"));
  const std::string endpoint = std::string("127.0.0.1:") + argv[1];
  start(endpoint.c_str(), nullptr, 1, 1, &cpu);
  return 1;  // it does not return unless it fails
}
